import assert from 'node:assert/strict';
import { xray } from '../../../src/link/context/xray.ts';
import { NO_CONTEXT } from '../../../src/link/sampler.ts';
import { makeHeaders } from './make-headers.ts';

const parse = (text: string) => xray.parse(makeHeaders({ xray: text }));
const ROOT = 'Root=1-5759e988-bd862e3fe1be46a994272793';
const PARENT = 'Parent=53995c3f42cd8ad8';
const TRACE = '5759e988bd862e3fe1be46a994272793';

function expected(incomingFlags: number, spanId: string | undefined = '53995c3f42cd8ad8') {
  return { traceId: TRACE, spanId, incomingFlags, traceState: undefined };
}

describe('link/context/xray', () => {
  it('reads the examples of the documentation', () => {
    assert.deepEqual(parse(`${ROOT};${PARENT};Sampled=1`), expected(1));
    const root = parse(`${ROOT};Sampled=1`);
    assert.deepEqual(root, { ...expected(1), spanId: undefined });
  });

  it('reads pairs in any order, with blanks, an end and pairs of others', () => {
    for (const text of [
      `Sampled=0;${PARENT};${ROOT}`,
      `${PARENT};Sampled=0;${ROOT}`,
      `${ROOT}; ${PARENT}; Sampled=0`,
      `${ROOT};${PARENT};Sampled=0;`,
      `Self=1-67891234-12456789abcdef012345678;${ROOT};CalledFrom=app;${PARENT};Sampled=0`,
      `${ROOT};${PARENT};Sampled=0;Lineage=1:a87bd80c:1|68fd508a:5|c512fbe3:2`,
    ]) {
      assert.deepEqual(parse(text), expected(0), text);
    }
  });

  it('says nothing of sampling where the decision is asked for or left out', () => {
    assert.deepEqual(parse(`${ROOT};${PARENT};Sampled=?`), expected(NO_CONTEXT));
    assert.deepEqual(parse(`${ROOT};${PARENT}`), expected(NO_CONTEXT));
  });

  it('names a trace and no span where a load balancer wrote it', () => {
    assert.deepEqual(parse(ROOT), { ...expected(NO_CONTEXT), spanId: undefined });
  });

  it('refuses what is not valid', () => {
    for (const text of [
      '',
      ';',
      'Root',
      'Root=',
      PARENT,
      `${PARENT};Sampled=1`,
      'Self=1-67891234-12456789abcdef012345678',
      ROOT.replace('Root', 'root'),
      ROOT.replace('1-', '2-'),
      ROOT.replace('bd86', 'BD86'),
      ROOT.slice(0, -1),
      `${ROOT}0`,
      'Root=1-00000000-000000000000000000000000',
      `${ROOT};Parent=`,
      `${ROOT};Parent=53995c3f42cd8ad`,
      `${ROOT};Parent=0000000000000000`,
      `${ROOT};${PARENT};Sampled=`,
      `${ROOT};${PARENT};Sampled=2`,
      `${ROOT};${PARENT};Sampled=toString`,
      `${ROOT};${PARENT};${PARENT}`,
      `${ROOT};${ROOT}`,
      `${ROOT};${PARENT};=1`,
      `${ROOT},${ROOT}`,
    ]) {
      assert.equal(parse(text), undefined, text);
    }
  });
});
