#!/usr/bin/env node
// Builds a real Docker Compose from its Go module, once per version, and prints the path of the binary on stdout. `docker-compose config` needs no engine.
//
//   node scripts/build-compose.mjs            → ${XDG_CACHE_HOME:-~/.cache}/undertrace/compose-<version>-<hash>/docker-compose
//   node scripts/build-compose.mjs --check    prints the path if it is built; exit 1 if not
//
// See go-program.mjs for what it needs.
import { printCommand } from './go-program.mjs';

const VERSION = '2.40.3';
const MODULE = 'github.com/docker/compose/v2';

await printCommand({
  name: 'compose',
  title: 'Docker Compose',
  version: VERSION,
  binary: 'docker-compose',
  takes: 'some minutes',
  module: MODULE,
  go: '1.24.9',
  command: 'cmd',
  linker: `-X ${MODULE}/internal.Version=${VERSION}`,
});
