import { closeSync, fchmodSync, openSync, readSync, writeSync } from 'node:fs';

import { UserError, messageOf } from '../base/errors.ts';
import { DataRecord, Kind, LAYOUT, RECORD_VERSION } from './records.gen.ts';

/**
 * A recording: what entered the pipeline, byte for byte, so that a replay gives the same spans.
 *
 *   8 bytes  "UTRACE" and the record version, two digits
 *   batches  u32 length of the batch, u32 zero, then the batch: whole records, each padded to 8 bytes
 *
 * The file holds captured payload and is readable by its owner only.
 */
const MAGIC = `UTRACE${String(RECORD_VERSION).padStart(2, '0')}`;
const FRAME = 8;
/** More than the largest ring, so that a damaged length is noticed. */
const BATCH_MAX = 1 << 30;

/** Appends batches to a recording. `payload: false` leaves out what the applications said. */
export class RecordingWriter {
  readonly path: string;
  readonly #file: number;
  readonly #payload: boolean;
  bytes = 0;

  constructor(path: string, options: { payload: boolean }) {
    this.path = path;
    this.#payload = options.payload;
    try {
      this.#file = openSync(path, 'w', 0o600);
      fchmodSync(this.#file, 0o600); // it may have existed with other rights
    } catch (error) {
      throw new UserError('recording_unwritable', `cannot write ${path}: ${messageOf(error)}`, {
        cause: error,
      });
    }
    this.#write(Buffer.from(MAGIC));
  }

  /** One batch. Throws a UserError when the file cannot take it (disk full). */
  write(batch: Uint8Array): void {
    const bytes = this.#payload ? batch : withoutPayload(batch);
    const frame = Buffer.alloc(FRAME);
    frame.writeUInt32LE(bytes.length);
    this.#write(frame);
    this.#write(bytes);
  }

  close(): void {
    closeSync(this.#file);
  }

  #write(bytes: Uint8Array): void {
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(this.#file, bytes, at);
    } catch (error) {
      throw new UserError('recording_unwritable', `cannot write ${this.path}: ${messageOf(error)}`, {
        cause: error,
      });
    }
    this.bytes += bytes.length;
  }
}

/** Reads a recording batch by batch. Throws a UserError that says what is wrong with the file. */
export function* readRecording(path: string): Generator<Uint8Array> {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    throw new UserError('recording_unreadable', `cannot read ${path}: ${messageOf(error)}`, { cause: error });
  }
  try {
    const magic = Buffer.alloc(MAGIC.length);
    if (readFully(file, magic) < magic.length || !magic.toString('latin1').startsWith('UTRACE'))
      throw new UserError('not_a_recording', `${path} is not a recording made by \`undertrace record\``);
    if (magic.toString('latin1') !== MAGIC)
      throw new UserError(
        'recording_version',
        `${path} has record version ${magic.subarray(6).toString('latin1')}, this build reads ${MAGIC.slice(6)}: replay it with the version that recorded it`,
      );
    const frame = Buffer.alloc(FRAME);
    for (;;) {
      const got = readFully(file, frame);
      if (got === 0) return;
      const length = frame.readUInt32LE();
      if (got < FRAME || length > BATCH_MAX || length % 8 !== 0) throw damaged(path);
      const batch = new Uint8Array(length);
      if (readFully(file, batch) < length) throw damaged(path);
      yield batch;
    }
  } finally {
    closeSync(file);
  }
}

function damaged(path: string): UserError {
  return new UserError(
    'recording_damaged',
    `${path} ends in the middle of a batch: the recording was cut off`,
  );
}

function readFully(file: number, into: Uint8Array): number {
  let at = 0;
  while (at < into.length) {
    const got = readSync(file, into, at, into.length - at, null);
    if (got === 0) break;
    at += got;
  }
  return at;
}

/** The same records with `captured` 0 in data records. */
function withoutPayload(batch: Uint8Array): Uint8Array {
  const out = new Uint8Array(batch.length);
  const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
  let to = 0;
  for (let at = 0; at < batch.length;) {
    const size = view.getUint32(at, true);
    const kept = batch[at + 4] === Kind.data ? DataRecord.SIZE : size;
    out.set(batch.subarray(at, at + kept), to);
    if (kept !== size) {
      const copy = new DataView(out.buffer, to);
      copy.setUint32(0, kept, true);
      copy.setUint32(LAYOUT.data.fields.captured.offset, 0, true);
    }
    to += (kept + 7) & ~7;
    at += (size + 7) & ~7;
  }
  return out.subarray(0, to);
}
