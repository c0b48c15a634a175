import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expand, ExpandError } from '../../../src/base/config/expand.ts';

describe('base/config/expand', () => {
  const warnings: string[] = [];
  const env = { NAME: 'web', NUMBER: '0123', LIST: '[a, b]', EMPTY: '' };
  const value = (text: string): unknown =>
    expand(text, { env, warn: (message) => warnings.push(message) }).value;

  beforeEach(() => warnings.splice(0));

  it('puts variables into a text', () => {
    assert.equal(value('http://${env:NAME}:${NAME}/${env:NO:-x}'), 'http://web:web/x');
    assert.equal(value('plain $NAME stays'), 'plain $NAME stays');
    assert.deepEqual(warnings, []);
  });

  it('takes the default where a variable is empty or unset', () => {
    assert.equal(value('${env:EMPTY:-a b}'), 'a b');
    assert.equal(value('${NO:-a:b}'), 'a:b');
    assert.equal(value('${env:NAME:-other}'), 'web');
  });

  it('warns of an unset variable and leaves its place empty', () => {
    assert.equal(value('a${env:NO}b'), 'ab');
    assert.match(warnings[0]!, /variable NO is not set/);
  });

  it('reads a text that is one reference as YAML, and keeps what it said', () => {
    assert.deepEqual(value('${env:LIST}'), ['a', 'b']);
    assert.deepEqual(expand('${env:NUMBER}', { env, warn: () => undefined }), { value: 123, text: '0123' });
  });

  it('makes one dollar sign of two', () => {
    assert.equal(value('$${env:NAME} $$5'), '${env:NAME} $5');
  });

  it('reads files without their last line end', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'undertrace-expand-'));
    try {
      const file = path.join(folder, 'secret');
      writeFileSync(file, 'Bearer x\n');
      assert.equal(value(`\${file:${file}}`), 'Bearer x');
      assert.throws(() => value(`\${file:${file}.no}`), ExpandError);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('refuses what it does not know', () => {
    for (const bad of ['${http:x}', '${env:1A}', '${env:}', '${env:NAME', 'a${', '${env:A:-${env:B}}']) {
      assert.throws(() => value(bad), ExpandError, bad);
    }
  });
});
