import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const SRC = fileURLToPath(new URL('../src/', import.meta.url));
/** Import and export clauses, and import(). */
const IMPORT = /(?:\bfrom\s*|\bimport\s*\(?\s*)['"](\.{1,2}\/[^'"]+|node:[^'"]+|[^'"./][^'"]*)['"]/g;

/** Folders that parse what strangers send and nothing else. */
const UNPRIVILEGED = ['connection', 'decode', 'link'];
const PRIVILEGES = /^node:(?:fs|child_process|net|dgram|http|https|os|worker_threads)|^native/;

function importsOf(text: string): string[] {
  return [...text.matchAll(IMPORT)].map((match) => match[1]!);
}

/** The folder of src/ that a file stands in; '' at the foot. */
function folderOf(file: string): string {
  const relative = path.relative(SRC, file);
  return relative.includes(path.sep) ? relative.split(path.sep, 1)[0]! : '';
}

function backImports(file: string, text: string): string[] {
  const own = folderOf(file);
  if (own === '' || own === 'commands') return [];
  return importsOf(text).filter((specifier) => {
    if (!specifier.startsWith('.')) return false;
    const target = folderOf(path.resolve(path.dirname(file), specifier));
    return target === '' || target === 'commands' || target > own;
  });
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => path.join(SRC, name));

describe('layers', () => {
  it('imports only from folders that sort before', () => {
    const found = files.flatMap((file) =>
      backImports(file, readFileSync(file, 'utf8')).map(
        (target) => `${path.relative(SRC, file)} → ${target}`,
      ),
    );
    assert.deepEqual(found, []);
  });

  it('would find an import that goes back, at any depth', () => {
    const planted = path.join(SRC, 'decode/protocol/planted.ts');
    assert.deepEqual(backImports(planted, "import { x } from '../../link/span.ts';"), ['../../link/span.ts']);
    assert.deepEqual(backImports(planted, "const x = await import('../../pipeline.ts');"), [
      '../../pipeline.ts',
    ]);
    assert.deepEqual(backImports(planted, "export * from '../../commands/run.ts';"), [
      '../../commands/run.ts',
    ]);
    assert.deepEqual(backImports(planted, "import type { X } from '../../base/errors.ts';"), []);
  });

  it('keeps files, sockets and processes away from what parses the bytes of strangers', () => {
    const found = files
      .filter((file) => UNPRIVILEGED.includes(folderOf(file)))
      .flatMap((file) =>
        importsOf(readFileSync(file, 'utf8'))
          .filter((specifier) => PRIVILEGES.test(specifier) || specifier.includes('native'))
          .map((specifier) => `${path.relative(SRC, file)} → ${specifier}`),
      );
    assert.deepEqual(found, []);
  });

  it('takes no time but that of records where spans are made', () => {
    const clocks = /Date\.now\(|performance\.now\(|setTimeout\(|setInterval\(|new Date\(\)/;
    const found = files
      .filter((file) => [...UNPRIVILEGED, 'enrich'].includes(folderOf(file)))
      .filter((file) => clocks.test(readFileSync(file, 'utf8')));
    assert.deepEqual(found, []);
  });

  it('names the file of every relative import with its ending', () => {
    const broken = files.flatMap((file) =>
      importsOf(readFileSync(file, 'utf8'))
        .filter((specifier) => specifier.startsWith('.'))
        .map((specifier) => path.resolve(path.dirname(file), specifier))
        .filter((target) => target.startsWith(SRC) && !existsSync(target))
        .map((specifier) => `${path.relative(SRC, file)} → ${specifier}`),
    );
    assert.deepEqual(broken, []);
  });
});
