#!/usr/bin/env node
// Builds a real Jaeger 2 from its Go module, once per version, and prints the path of the binary on stdout. Without the assets of its user
// interface, which are not in the module: it has the receivers, the storage and the query API.
//
//   node scripts/build-jaeger.mjs            → ${XDG_CACHE_HOME:-~/.cache}/undertrace/jaeger-<version>-<hash>/jaeger
//   node scripts/build-jaeger.mjs --check    prints the path if it is built; exit 1 if not
//
// See go-program.mjs for what it needs.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { printProgram } from './go-program.mjs';

/** Of the module, whose `cmd/jaeger` is Jaeger 2. */
const VERSION = '1.76.0';
const MODULE = 'github.com/jaegertracing/jaeger';

// `go install` refuses a module that replaces another one. This one is not the main module, so that what it replaces does not count.
const manifest = `module undertrace/jaeger

go 1.24.6

require ${MODULE} v${VERSION}
`;

await printProgram({
  name: 'jaeger',
  title: 'Jaeger',
  version: VERSION,
  binary: 'jaeger',
  manifest,
  takes: 'some minutes',
  prepare(folder) {
    writeFileSync(join(folder, 'go.mod'), manifest);
    const output = join(folder, 'jaeger');
    const flags = ['-mod=mod', '-trimpath', '-ldflags', '-s -w'];
    return { args: ['build', ...flags, '-o', output, `${MODULE}/cmd/jaeger`], output };
  },
});
