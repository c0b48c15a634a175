import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';

import { OBJECT, loadNative } from '../../src/capture/native.ts';
import { LAYOUT } from '../../src/capture/records.gen.ts';

const WIDTHS: Readonly<Record<string, number>> = { u8: 1, u16: 2, u32: 4, u64: 8, i64: 8 };

describe('capture/records', () => {
  before(function () {
    if (!existsSync(OBJECT)) throw new Error(`${OBJECT} is not built: npm run setup`);
  });

  for (const [name, layout] of Object.entries(LAYOUT)) {
    // Records of the agent's own making have no struct in the object.
    if (!['data', 'connection', 'exec', 'fork', 'exit', 'uring', 'wake'].includes(name)) continue;
    it(`has the offsets of struct ${name}_record in the object's BTF`, () => {
      const tracer = new (loadNative().Tracer)({ object: OBJECT });
      const { size, members } = tracer.structLayout(`${name}_record`);
      tracer.close();
      assert.equal(size, layout.size);
      const fields: Record<string, { offset: number; type: string; count: number }> = layout.fields;
      for (const [field, { offset, type, count }] of Object.entries(fields))
        assert.deepEqual(members[field], { offset, size: WIDTHS[type]! * count }, field);
    });
  }
});
