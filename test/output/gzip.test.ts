import assert from 'node:assert/strict';
import { gunzipSync } from 'node:zlib';
import { gzip } from '../../src/output/gzip.ts';

describe('output/gzip', () => {
  for (const size of [0, 10, 5000, 200_000]) {
    it(`compresses ${size} bytes into memory of exactly the length of what comes out`, async () => {
      const request = Buffer.from(Array.from({ length: size }, (_, i) => (i * i) % 251));
      const compressed = await gzip(request);
      assert.equal(compressed.buffer.byteLength, compressed.length);
      assert.deepEqual(gunzipSync(compressed), request);
    });
  }
});
