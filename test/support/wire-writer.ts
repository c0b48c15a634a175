/** Conversations out of a packet capture, and as the text that wire.ts reads. */
import { PacketRecords } from '../../src/capture/packet/packet-records.ts';
import { PcapFormat } from '../../src/capture/packet/pcap.ts';
import { ConnectionRecord, DataRecord, Direction, Event, Flag, Kind } from '../../src/capture/records.gen.ts';
import type { Decoding } from './decoding.ts';
import { play, type Role, type Step } from './wire.ts';

export interface Conversation {
  readonly transport: 'tcp' | 'udp';
  readonly port: number;
  /** As they were segmented, the end last. */
  readonly steps: Step[];
  /** Its beginning was not seen, or bytes of it were not captured. */
  incomplete: boolean;
}

/** A segment of so many bytes was cut out of something longer by the loopback interface: what follows belongs to it. */
const FULL_SEGMENT = 16_000;
/** So many times the same byte has a line of its own. */
const REPEATED = 1000;
const POSITION_SEEN_FROM_START = 2 ** 32;

interface Open extends Conversation {
  /** Of the last step, when more of it may follow. */
  lastLength: number;
  end: Step | undefined;
}

/** The conversations with the server at `port` in a pcap file, in the order of their first bytes. */
export function conversationsOf(file: Buffer, port: number): Conversation[] {
  const records = new PacketRecords();
  new PcapFormat().read(file, (packet) => records.add(packet));
  records.finish();
  const bytes = records.take();
  const data = new DataRecord(bytes);
  const event = new ConnectionRecord(bytes);
  const found = new Map<number, Open>();
  for (let offset = 0; offset < bytes.length; offset += (data.size + 7) & ~7) {
    data.at(offset);
    if (data.kind !== Kind.data && data.kind !== Kind.connection) continue;
    // The guess which end of a datagram serves may be another one than the caller's.
    const turned = data.localPort !== port;
    if (turned && (data.remotePort !== port || data.protocol !== 17)) continue;
    const open = found.get(data.sock) ?? begin(data, port);
    found.set(data.sock, open);
    if (data.kind === Kind.data) addData(open, data, turned);
    else addEvent(open, event.at(offset));
  }
  return [...found.values()]
    .filter(({ steps }) => steps.length > 0)
    .map(({ transport, steps, incomplete, end }) => ({
      ...{ transport, port },
      steps: end === undefined ? steps : [...steps, end],
      incomplete,
    }));
}

function begin({ protocol }: DataRecord, port: number): Open {
  const transport = protocol === 17 ? 'udp' : 'tcp';
  return { transport, port, steps: [], incomplete: false, lastLength: 0, end: undefined };
}

function addData(open: Open, record: DataRecord, turned: boolean): void {
  if ((record.flags & Flag.eof) !== 0) {
    open.end ??= { from: 'client', how: 'close' };
    return;
  }
  const receives = (record.direction === Direction.receive) !== turned;
  const from: Role = receives ? 'client' : 'server';
  const cut = record.captured < record.length;
  if (cut || record.position >= POSITION_SEEN_FROM_START) open.incomplete = true;
  const bytes = Uint8Array.from(record.payload);
  const last = open.steps.at(-1);
  const continues = open.transport === 'tcp' && last?.from === from && open.lastLength >= FULL_SEGMENT;
  if (continues) last.bytes = Buffer.concat([last.bytes!, bytes]);
  else open.steps.push({ from, bytes });
  open.lastLength = record.length;
}

function addEvent(open: Open, { event, result }: ConnectionRecord): void {
  if (event === Event.shutdown) open.end ??= { from: 'server', how: 'close' };
  if (event !== Event.destroyed) return;
  open.end ??= result < 0 ? { from: 'client', how: 'reset' } : { from: 'server', how: 'close' };
}

/** The spans of both ends as one object each, as expectedAt() takes them apart. */
export function spansOf({ transport, port, steps }: Conversation): Array<Record<string, unknown>> {
  const [server, client] = (['server', 'client'] as const).map((role) =>
    attributesOf(play(role, steps, { transport, port })),
  );
  return server!.map((own, i) => merge(own, client![i] ?? {}));
}

function attributesOf(decoding: Decoding): Array<Record<string, unknown>> {
  return [...decoding.closed]
    .sort((a, b) => a.startNs - b.startNs || a.requestPosition - b.requestPosition)
    .map((exchange) => {
      const { name, attributes, errorType, contextHeaders } = decoding.describe(exchange);
      const headers = Object.entries(contextHeaders ?? {}) as Array<[string, string | string[] | undefined]>;
      const context = headers
        .filter(([, value]) => value !== undefined && value.length > 0)
        .map(([key, value]) => [`context.${key}`, value] as const);
      const error = errorType === undefined ? {} : { 'error.type': errorType };
      return { name, ...attributes, ...error, ...Object.fromEntries(context) };
    });
}

/** Where and when it happened: another play has others. */
const ACCIDENTAL = /^(?:network\.(?:peer|local)\.|client\.(?:address|port)$)/;
/** At one end only by their nature, so that they need not say at which. */
const ONE_ENDED = new Set(['url.path', 'url.query', 'url.full']);

function merge(server: Record<string, unknown>, client: Record<string, unknown>): Record<string, unknown> {
  const merged: Record<string, unknown> = {};
  for (const key of new Set([...Object.keys(server), ...Object.keys(client)])) {
    if (ACCIDENTAL.test(key)) continue;
    const [atServer, atClient] = [server[key], client[key]];
    if (ONE_ENDED.has(key) || JSON.stringify(atServer) === JSON.stringify(atClient)) {
      merged[key] = atServer ?? atClient;
      continue;
    }
    if (atServer !== undefined) merged[`server:${key}`] = atServer;
    if (atClient !== undefined) merged[`client:${key}`] = atClient;
  }
  return merged;
}

/** The text of a .wire file. */
export function formatWire(
  title: string,
  { transport, port, steps }: Conversation,
  spans: ReadonlyArray<Record<string, unknown>>,
): string {
  const lines = [
    `# ${title}`,
    ...(transport === 'udp' ? ['# udp'] : []),
    `# port ${port}`,
    ...steps.flatMap((step) => (step.bytes ? bytesLines(step, step.bytes) : [`! ${step.from} ${step.how}`])),
    ...spans.map((span) => `= ${JSON.stringify(span)}`),
  ];
  return `${lines.join('\n')}\n`;
}

function bytesLines({ from }: Step, bytes: Uint8Array): string[] {
  const mark = from === 'client' ? '>' : '<';
  // Letters, digits and signs: what a line can say with one character.
  const parts = Buffer.from(bytes)
    .toString('latin1')
    .split(new RegExp(`(([!-~])\\2{${REPEATED - 1},})`));
  const lines: string[] = [];
  // Of each repetition split() gives the whole and its character, between what stands around it.
  for (let i = 0; i < parts.length; i += 3) {
    if (parts[i] !== '') lines.push(`${mark} ${escaped(parts[i]!)}`);
    if (i + 1 < parts.length) lines.push(`${mark}* ${parts[i + 1]!.length} ${parts[i + 2]}`);
  }
  return lines;
}

/** As a JSON string without its quotes; quotes inside need no escape. */
function escaped(text: string): string {
  return JSON.stringify(text)
    .slice(1, -1)
    .replaceAll('\\"', '"')
    .replace(/[\u007f-\u00ff]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`);
}
