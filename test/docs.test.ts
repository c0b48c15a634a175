import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { EXPORTERS, EXTENSIONS, RECEIVER, TELEMETRY } from '../src/base/config/schema.ts';
import { leaves } from '../src/base/config/section.ts';
import { INCOMPLETE } from '../src/decode/exchange.ts';
import { resolvers } from '../src/enrich/service-name/index.ts';
import { generateDocs, readComments } from '../scripts/gen-docs.ts';

const ROOT = new URL('..', import.meta.url);
/** Sources of names that the page sums up as "the interpreter". */
const RUNTIMES = new Set(['ruby', 'php', 'perl', 'dotnet', 'deno', 'bun', 'erlang', 'busybox', 'shell']);
const read = (path: string): string => readFileSync(new URL(path, ROOT), 'utf8');

/** All TypeScript files below a folder. */
function sources(folder: string): string[] {
  return readdirSync(new URL(folder, ROOT), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `${folder}/${file}`);
}

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

  it('explain every attribute of our own, and what may be incomplete', () => {
    const doc = read('docs/attributes.md');
    const text = sources('src').map(read).join('');
    const own = new Set([...text.matchAll(/'(undertrace\.[a-z]+\.[a-z._]+)'/g)].map((m) => m[1]!));
    assert.ok(own.size >= 7, `only ${own.size} found`);
    const named = [
      ...own,
      ...INCOMPLETE,
      ...resolvers.map(({ source }) => source).filter((source) => !RUNTIMES.has(source)),
    ];
    assert.deepEqual(
      named.filter((name) => !doc.includes(`\`${name}\``)),
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
