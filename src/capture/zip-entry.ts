import type { FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';

/**
 * One small file out of a zip archive (PKWARE APPNOTE 6.3), for the manifest of a jar: end record, central directory, local header.
 * Bounded: the archive's last 64 KiB are searched for its end record, the first `DIRECTORY_MAX` bytes of the directory for the entry (a
 * jar's manifest stands first), and the entry may hold `ENTRY_MAX` bytes. Not read: zip64, encryption, methods but stored and deflate.
 */
const END_SIGNATURE = 0x06054b50;
const DIRECTORY_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
const END_SIZE = 22;
const DIRECTORY_ENTRY_SIZE = 46;
const LOCAL_SIZE = 30;
const COMMENT_MAX = 65_535;
const DIRECTORY_MAX = 262_144;
const ENTRY_MAX = 65_536;
const STORED = 0;
const DEFLATE = 8;

const inflate = promisify(inflateRaw);

/** The entry's bytes; undefined when the file is no zip archive, is damaged, or has no such entry. */
export async function readZipEntry(
  file: FileHandle,
  size: number,
  name: string,
): Promise<Buffer | undefined> {
  const end = await readAt(
    file,
    Math.max(0, size - END_SIZE - COMMENT_MAX),
    Math.min(size, END_SIZE + COMMENT_MAX),
  );
  const at = end.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]));
  if (at < 0 || at + END_SIZE > end.length || end.readUInt32LE(at) !== END_SIGNATURE) return undefined;
  const directorySize = Math.min(end.readUInt32LE(at + 12), DIRECTORY_MAX);
  const directory = await readAt(file, end.readUInt32LE(at + 16), directorySize);
  const entry = findEntry(directory, name);
  if (entry === undefined || entry.compressed > ENTRY_MAX) return undefined;
  const local = await readAt(file, entry.offset, LOCAL_SIZE);
  if (local.length < LOCAL_SIZE || local.readUInt32LE(0) !== LOCAL_SIGNATURE) return undefined;
  const start = entry.offset + LOCAL_SIZE + local.readUInt16LE(26) + local.readUInt16LE(28);
  const bytes = await readAt(file, start, entry.compressed);
  if (entry.method === STORED) return bytes;
  if (entry.method !== DEFLATE) return undefined;
  try {
    return await inflate(bytes, { maxOutputLength: ENTRY_MAX });
  } catch {
    return undefined; // damaged, or larger than it may be: as good as not there
  }
}

interface Entry {
  method: number;
  compressed: number;
  offset: number;
}

function findEntry(directory: Buffer, name: string): Entry | undefined {
  let at = 0;
  while (
    at + DIRECTORY_ENTRY_SIZE <= directory.length &&
    directory.readUInt32LE(at) === DIRECTORY_SIGNATURE
  ) {
    const nameLength = directory.readUInt16LE(at + 28);
    const nameStart = at + DIRECTORY_ENTRY_SIZE;
    if (directory.toString('latin1', nameStart, nameStart + nameLength) === name) {
      return {
        method: directory.readUInt16LE(at + 10),
        compressed: directory.readUInt32LE(at + 20),
        offset: directory.readUInt32LE(at + 42),
      };
    }
    at = nameStart + nameLength + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  return undefined;
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  return buffer.subarray(0, bytesRead);
}
