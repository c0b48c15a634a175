import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';

const CHUNK = 256 * 1024;
const GZIP_MAGIC = 0x1f8b;

/** The bytes of a file from its beginning to its end, decompressed where they are gzip (RFC 1952). It may be a pipe. */
export class FileBytes {
  compressed = false;
  /** Why the compressed bytes end before they should; undefined while all is well. */
  damage: string | undefined = undefined;
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    const file = await open(this.#path);
    try {
      const chunks = file.createReadStream({ highWaterMark: CHUNK, autoClose: false });
      const iterator = chunks[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
      const first = await iterator.next();
      if (first.done === true) return;
      this.compressed = first.value.length >= 2 && first.value.readUInt16BE() === GZIP_MAGIC;
      const all = prefixed(first.value, iterator);
      yield* this.compressed ? this.#inflate(all) : all;
    } finally {
      await file.close();
    }
  }

  async *#inflate(bytes: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
    const gunzip = createGunzip({ chunkSize: CHUNK });
    // Errors reach the reader of the last stream.
    pipeline(bytes, gunzip, () => undefined);
    try {
      for await (const chunk of gunzip) yield chunk as Buffer;
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (!code.startsWith('Z_')) throw error;
      this.damage =
        code === 'Z_BUF_ERROR' ? 'the compressed file ends early' : 'what is compressed is damaged';
    }
  }
}

async function* prefixed(first: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}
