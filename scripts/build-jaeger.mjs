#!/usr/bin/env node
// Builds a real Jaeger 2 from its Go module, once per version, and prints the path of the binary on stdout. Without the assets of its user
// interface, which are not in the module: it has the receivers, the storage and the query API.
//
//   node scripts/build-jaeger.mjs            → ${XDG_CACHE_HOME:-~/.cache}/undertrace/jaeger-<version>-<hash>/jaeger
//   node scripts/build-jaeger.mjs --check    prints the path if it is built; exit 1 if not
//
// See go-program.mjs for what it needs.
import { printCommand } from './go-program.mjs';

/** Of the module, whose `cmd/jaeger` is Jaeger 2. */
const VERSION = '1.76.0';

await printCommand({
  name: 'jaeger',
  title: 'Jaeger',
  version: VERSION,
  binary: 'jaeger',
  takes: 'some minutes',
  module: 'github.com/jaegertracing/jaeger',
  go: '1.24.6',
  command: 'cmd/jaeger',
});
