import { messageOf, UserError } from '../base/errors.ts';
import { FileBytes } from './packet/file-bytes.ts';
import { linkName, READABLE_LINKS } from './packet/link-layer.ts';
import type { PacketFormat } from './packet/packet.ts';
import { PacketRecords } from './packet/packet-records.ts';
import { isPcap, PcapFormat } from './packet/pcap.ts';
import { isPcapng, PcapngFormat } from './packet/pcapng.ts';
import { readRecording } from './recording.ts';

const MAGIC = 4;
const ALLOWED =
  'a recording made by `undertrace record`, or a packet capture (pcap, pcapng; both may be gzip)';

/** A file that can be replayed, of whatever kind: what it holds as batches of records. */
export class CapturedFile {
  /** What the user should know of the file, a line each; complete when the batches have been read. */
  readonly remarks: string[] = [];
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Reads the file batch by batch. Throws a UserError that says what is wrong with it. */
  async *batches(): AsyncGenerator<Uint8Array> {
    const bytes = new FileBytes(this.#path);
    const chunks = bytes[Symbol.asyncIterator]();
    try {
      const head = await readHead(chunks, this.#path);
      const format = formatOf(head);
      if (format !== undefined) {
        yield* this.#packets(format, bytes, head, chunks);
        return;
      }
      if (!head.toString('latin1').startsWith('UTRA'))
        throw new UserError(
          'unknown_file',
          `${this.#path} is not ${ALLOWED}${bytes.damage === undefined ? '' : `: ${bytes.damage}`}`,
        );
      if (bytes.compressed)
        throw new UserError('compressed_recording', `${this.#path} is a compressed recording: decompress it`);
    } finally {
      await chunks.return(undefined);
    }
    yield* readRecording(this.#path);
  }

  async *#packets(
    format: PacketFormat,
    bytes: FileBytes,
    head: Buffer,
    chunks: AsyncGenerator<Buffer>,
  ): AsyncGenerator<Uint8Array> {
    const records = new PacketRecords();
    let rest = head;
    for (;;) {
      rest = rest.subarray(format.read(rest, (packet) => records.add(packet)));
      if (records.length > 0) yield records.take();
      const next = format.damage === undefined ? await readNext(chunks, this.#path) : undefined;
      if (next === undefined) break;
      rest = rest.length === 0 ? next : Buffer.concat([rest, next]);
    }
    records.finish();
    this.#judge(records);
    if (records.length > 0) yield records.take();
    const damage = bytes.damage ?? format.damage;
    if (damage !== undefined)
      this.remarks.push(`${this.#path} is damaged (${damage}): it was read up to there`);
    else if (rest.length > 0)
      this.remarks.push(`${this.#path} ends in the middle of a packet: it was read up to there`);
    this.remarks.push(...records.remarks());
  }

  #judge({ packets, ignored, strangeLink }: PacketRecords): void {
    if (strangeLink === undefined || ignored.link_type < packets) return;
    throw new UserError(
      'link_type',
      `${this.#path} has packets of link type ${linkName(strangeLink)}; what is read is ${READABLE_LINKS}`,
    );
  }
}

function formatOf(head: Buffer): PacketFormat | undefined {
  if (head.length < MAGIC) return undefined;
  if (isPcap(head)) return new PcapFormat();
  return isPcapng(head) ? new PcapngFormat() : undefined;
}

/** As many bytes as tell what the file is. */
async function readHead(chunks: AsyncGenerator<Buffer>, path: string): Promise<Buffer> {
  let head: Buffer = Buffer.alloc(0);
  while (head.length < MAGIC) {
    const chunk = await readNext(chunks, path);
    if (chunk === undefined) break;
    head = Buffer.concat([head, chunk]);
  }
  return head;
}

async function readNext(chunks: AsyncGenerator<Buffer>, path: string): Promise<Buffer | undefined> {
  try {
    const next = await chunks.next();
    return next.done === true ? undefined : next.value;
  } catch (error) {
    throw new UserError('capture_unreadable', `cannot read ${path}: ${messageOf(error)}`, { cause: error });
  }
}
