/**
 * A window on one record inside a drained buffer: no copy, and one object for any number of records. `at()` moves it.
 * Buffers come from the border, start 8-byte aligned, and are valid until the next drain.
 */
export class RecordView {
  u8: Uint8Array;
  u16: Uint16Array;
  u32: Uint32Array;
  /** Bytes from the start of the buffer to the record, a multiple of 8. */
  offset = 0;

  constructor(bytes: Uint8Array = new Uint8Array(0)) {
    this.u8 = bytes;
    this.u16 = new Uint16Array(0);
    this.u32 = new Uint32Array(0);
    this.over(bytes);
  }

  /** Looks at another buffer. */
  over(bytes: Uint8Array): this {
    const { buffer, byteOffset, byteLength } = bytes;
    this.u8 = bytes;
    this.u16 = new Uint16Array(buffer, byteOffset, byteLength >>> 1);
    this.u32 = new Uint32Array(buffer, byteOffset, byteLength >>> 2);
    return this;
  }

  at(offset: number): this {
    this.offset = offset;
    return this;
  }
}
