#!/usr/bin/env node
// Builds a real Docker Compose from its Go module, once per version, and prints the path of the binary on stdout. `docker-compose config` needs no engine.
//
//   node scripts/build-compose.mjs            → ${XDG_CACHE_HOME:-~/.cache}/undertrace/compose-<version>-<hash>/docker-compose
//   node scripts/build-compose.mjs --check    prints the path if it is built; exit 1 if not
//
// See go-program.mjs for what it needs.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { printProgram } from './go-program.mjs';

const VERSION = '2.40.3';
const MODULE = 'github.com/docker/compose/v2';

const manifest = `module undertrace/compose

go 1.24.9

require ${MODULE} v${VERSION}
`;

await printProgram({
  name: 'compose',
  title: 'Docker Compose',
  version: VERSION,
  binary: 'docker-compose',
  manifest,
  takes: 'some minutes',
  prepare(folder) {
    writeFileSync(join(folder, 'go.mod'), manifest);
    const output = join(folder, 'docker-compose');
    const flags = ['-mod=mod', '-trimpath', '-ldflags', `-s -w -X ${MODULE}/internal.Version=${VERSION}`];
    return { args: ['build', ...flags, '-o', output, `${MODULE}/cmd`], output };
  },
});
