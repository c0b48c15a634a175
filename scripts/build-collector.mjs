#!/usr/bin/env node
// Builds a real OpenTelemetry Collector from its Go modules, once per version, and prints the path of the binary on stdout.
//
//   node scripts/build-collector.mjs            → ${XDG_CACHE_HOME:-~/.cache}/undertrace/collector-<version>-<hash>/otelcol
//   node scripts/build-collector.mjs --check    prints the path if it is built; exit 1 if not
//
// See go-program.mjs for what it needs.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { printProgram } from './go-program.mjs';

const VERSION = '0.159.0';

const manifest = readFileSync(new URL('collector/builder.yaml', import.meta.url), 'utf8');

await printProgram({
  name: 'collector',
  title: 'OpenTelemetry Collector',
  version: VERSION,
  binary: 'otelcol',
  manifest,
  takes: 'a minute or two',
  prepare(folder) {
    const config = join(folder, 'builder.yaml');
    const output = join(folder, 'out');
    writeFileSync(
      config,
      manifest
        .replaceAll('VERSION', VERSION)
        .replace('dist:\n', `dist:\n  output_path: ${JSON.stringify(output)}\n`),
    );
    const builder = `go.opentelemetry.io/collector/cmd/builder@v${VERSION}`;
    return { args: ['run', builder, '--config', config], output: join(output, 'otelcol') };
  },
});
