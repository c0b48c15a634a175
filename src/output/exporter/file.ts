/**
 * OTLP/JSON in a file, one ExportTraceServiceRequest a line, as the Collector's file exporter writes and its otlpjsonfile receiver reads.
 *
 * Captured data is secret: the file has mode 0600, also one that was there before. A line is written whole or not at all: what a full disk cut
 * short is taken back. A write error is an outcome; the queue tries again.
 *
 * Rotation, when asked for: a file that would exceed `max_megabytes` is renamed to `name-2026-11-21T11-30-00.123Z.ext`, of which the newest
 * `max_backups` are kept.
 */
import { promises as fs, chmodSync, closeSync, fstatSync, openSync } from 'node:fs';
import path from 'node:path';
import { messageOf, UserError } from '../../base/errors.ts';
import type { Span } from '../../link/span.ts';
import type { Exporter, Outcome } from '../exporter.ts';
import { encodeOtlpJson } from '../otlp-json.ts';
import type { PartialQueueSettings } from '../queue-options.ts';

export interface FileSettings extends PartialQueueSettings {
  path: string;
  /** Keep what the file holds at start. Default false, as in the Collector; always with `rotation`. */
  append?: boolean;
  rotation?: {
    /** Default 100. */
    max_megabytes?: number;
    /** Default 100; 0 keeps all. */
    max_backups?: number;
  };
}

const MODE = 0o600;
const NEWLINE = Buffer.from('\n');
const STAMP = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z(\.\d+)?$/;

/** Opens the file at once. Throws a UserError where that fails. */
export function createFileExporter(id: string, settings: FileSettings): Exporter {
  const file = new RotatingFile(id, settings);
  return {
    id,
    destination: file.path,
    maxInFlight: 1,
    async send(batch: readonly Span[]): Promise<Outcome> {
      const line = Buffer.concat([encodeOtlpJson(batch), NEWLINE]);
      try {
        await file.append(line);
      } catch (error) {
        return { result: 'retry', error: `${file.path}: ${messageOf(error)}` };
      }
      return { result: 'done', accepted: batch.length, rejected: 0, bytes: line.length };
    },
    close: () => file.close(),
  };
}

class RotatingFile {
  readonly path: string;
  readonly #maxBytes: number;
  readonly #maxBackups: number;
  #handle: fs.FileHandle | undefined;
  #tornAt: number | undefined;

  constructor(id: string, settings: FileSettings) {
    this.path = path.resolve(settings.path);
    const { rotation } = settings;
    this.#maxBytes = rotation ? (rotation.max_megabytes ?? 100) * 1024 * 1024 : Infinity;
    this.#maxBackups = rotation?.max_backups ?? 100;
    try {
      // Synchronous, so that a path that cannot work stops the start; the handle for writing is opened by the first write.
      const keep = rotation !== undefined || settings.append === true;
      const descriptor = openSync(this.path, keep ? 'a' : 'w', MODE);
      const regular = fstatSync(descriptor).isFile();
      closeSync(descriptor);
      if (regular) chmodSync(this.path, MODE);
    } catch (error) {
      throw new UserError(
        'file_exporter',
        `exporters.${id}.path: cannot write ${this.path}: ${messageOf(error)}`,
        { cause: error },
      );
    }
  }

  /** Writes `line` whole or throws with the file as it was. One call at a time. */
  async append(line: Buffer): Promise<void> {
    let handle = await this.#open();
    if (this.#tornAt !== undefined) await this.#mend(handle, this.#tornAt);
    // Asked every time: somebody else may have cut the file (logrotate's copytruncate).
    let { size } = await handle.stat();
    if (size > 0 && size + line.length > this.#maxBytes) {
      await this.#rotate();
      handle = await this.#open();
      ({ size } = await handle.stat());
    }
    let written = 0;
    try {
      while (written < line.length) {
        const { bytesWritten } = await handle.write(line, written, line.length - written, null);
        written += bytesWritten;
      }
    } catch (error) {
      if (written > 0) await this.#mend(handle, size);
      throw error;
    }
  }

  /** Takes half a line back. Where that fails too it is tried again before the next write. */
  async #mend(handle: fs.FileHandle, size: number): Promise<void> {
    this.#tornAt = size;
    await handle.truncate(size);
    this.#tornAt = undefined;
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }

  async #open(): Promise<fs.FileHandle> {
    if (this.#handle) return this.#handle;
    this.#handle = await fs.open(this.path, 'a', MODE);
    return this.#handle;
  }

  async #rotate(): Promise<void> {
    await this.close();
    await fs.rename(this.path, await this.#freeBackupName());
    await this.#removeOldBackups();
  }

  async #freeBackupName(): Promise<string> {
    const { dir, name, ext } = path.parse(this.path);
    const stamp = new Date().toISOString().replaceAll(':', '-');
    for (let n = 0; ; n++) {
      const candidate = path.join(dir, `${name}-${stamp}${n === 0 ? '' : `.${n}`}${ext}`);
      const exists = await fs.stat(candidate).then(
        () => true,
        () => false,
      );
      if (!exists) return candidate;
    }
  }

  async #removeOldBackups(): Promise<void> {
    if (this.#maxBackups === 0) return;
    const { dir, name, ext } = path.parse(this.path);
    const stampOf = (entry: string): string => entry.slice(name.length + 1, entry.length - ext.length);
    const backups = (await fs.readdir(dir)).filter(
      (entry) => entry.startsWith(`${name}-`) && entry.endsWith(ext) && STAMP.test(stampOf(entry)),
    );
    backups.sort((a, b) => (stampOf(a) < stampOf(b) ? 1 : -1));
    for (const old of backups.slice(this.#maxBackups)) await fs.rm(path.join(dir, old));
  }
}
