import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { EXPORTERS, EXTENSIONS, RECEIVER, TELEMETRY } from '../src/base/config/schema.ts';
import { leaves } from '../src/base/config/section.ts';
import { generateDocs, readComments } from '../scripts/gen-docs.ts';

const ROOT = new URL('..', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, ROOT), 'utf8');

describe('docs', () => {
  it('are what `npm run gen:docs` writes', async () => {
    for (const [path, text] of Object.entries(await generateDocs())) {
      assert.equal(read(path), text, `${path} is stale: run npm run gen:docs`);
    }
  });

  it('say something of every key of the configuration', () => {
    const comments = readComments(read('config/default.yaml'));
    const keys = [
      ...leaves(RECEIVER, ['receivers', 'undertrace']),
      ...leaves(EXPORTERS, ['exporters']),
      ...leaves(EXTENSIONS, ['extensions']),
      ...leaves(TELEMETRY, ['service', 'telemetry']),
    ].map(([key]) => key.join('.'));
    assert.deepEqual(
      keys.filter((key) => !comments.get(key)),
      [],
    );
  });

  it('name every OTEL_ variable that is read', () => {
    const doc = read('docs/config.md');
    const source = read('src/base/config/environment.ts');
    const names = new Set([...source.matchAll(/'(OTEL_[A-Z_]+[A-Z])'/g)].map((match) => match[1]!));
    for (const [, suffix] of source.matchAll(/\bof\('([A-Z_]+)'\)/g))
      names.add(`OTEL_EXPORTER_OTLP_${suffix}`);
    assert.ok(names.size >= 20, `only ${names.size} found`);
    // Of each OTEL_EXPORTER_OTLP_X the page says that there is OTEL_EXPORTER_OTLP_TRACES_X.
    const missing = [...names].filter((name) => !doc.includes(name.replace('_OTLP_TRACES_', '_OTLP_')));
    assert.deepEqual(missing, []);
  });
});
