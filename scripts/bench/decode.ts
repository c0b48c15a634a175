/**
 * What decoding takes: `npm run bench:decode [-- PROTOCOL ...]`. Records in, exchanges with their attributes out, on one core, from conversations that were recorded between
 * real programs; and what a connection keeps while nothing happens on it. Needs no privilege. Without protocols all are measured and decode-figures.json is written: then `npm run gen:docs`.
 */
import { cpus } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Ledger } from '../../src/base/ledger.ts';
import { PROTOCOLS } from '../../src/base/settings.ts';
import { ClockRecord, ConnectionRecord, DataRecord, Kind } from '../../src/capture/records.gen.ts';
import { DecodeStage } from '../../src/decode/decode-stage.ts';
import { createAllDecoders } from '../../src/decoders.ts';
import { DEFAULTS } from '../../test/support/defaults.ts';
import type { Wire } from '../../test/support/wire.ts';
import { writeFigures, type DecodeFigures, type Speed } from './decode-figures.ts';
import {
  LoadWriter,
  steadyConversations,
  wholeConversations,
  wiresOf,
  type Load,
  type Steady,
} from './decode-load.ts';

const ROUNDS = 5;
const WARM_UP = 2;
const RECORDS = 100_000;
/** Connections that become idle, and payload of all of them. */
const IDLE_CONNECTIONS = 4000;
const IDLE_BYTES = 16 * 1024 * 1024;

const GET: Steady = { protocol: 'redis', file: 'cli.wire', once: 0, exchange: [2, 4] };
const STEADY: ReadonlyArray<Steady & { what: string; bound: number }> = [
  { ...GET, what: 'Redis `GET`, one in a call', bound: 1_000_000 },
  { ...GET, what: 'Redis `GET`, 16 in a call', pipelined: 16, bound: 1_000_000 },
  {
    what: 'HTTP/1.1 `GET` by curl',
    ...{ protocol: 'http', file: 'nginx-keepalive.wire', once: 0, exchange: [0, 2], bound: 300_000 },
  },
  {
    what: 'PostgreSQL, a prepared `SELECT` of pgbench',
    ...{ protocol: 'postgresql', file: 'pgbench-prepared.wire', once: 12, exchange: [12, 14] },
    bound: 300_000,
  },
  {
    what: 'HTTP/2 `GET` by h2load',
    ...{ protocol: 'http2', file: 'h2load.wire', once: 6, exchange: [6, 9], bound: 200_000 },
    rewrite: (bytes, ordinal) => setStream(bytes, 5 + 2 * ordinal),
  },
];

/** Gives all frames of a stream another one (RFC 9113, 4.1). */
function setStream(bytes: Uint8Array, stream: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length; at += 9 + (view.getUint32(at) >>> 8)) view.setUint32(at + 5, stream);
}

const decoders = createAllDecoders(DEFAULTS);

class Decoded {
  /** Requests and responses that came out. */
  messages = 0;
  readonly #ledger = new Ledger();
  readonly #stage: DecodeStage;
  readonly #data = new DataRecord();
  readonly #connection = new ConnectionRecord();
  readonly #clock = new ClockRecord();

  constructor() {
    this.#stage = new DecodeStage({
      ...decoders,
      ledger: this.#ledger,
      sink: {
        opened: () => undefined,
        closed: (exchange) => {
          this.#ledger.exchanges.out++;
          this.messages += exchange.response === undefined ? 1 : 2;
          this.#stage.describe(exchange);
        },
        dropped: () => undefined,
      },
      onVerdict: () => undefined,
    });
  }

  /** Connections, and on how many of them nothing is waited for. */
  get held(): { connections: number; idle: number } {
    const all = [...this.#stage.reports()];
    const idle = all.filter(
      ({ open, connection: { send, receive } }) => open + send.held + receive.held === 0,
    );
    return { connections: all.length, idle: idle.length };
  }

  take({ drains }: Load): this {
    for (const drain of drains) this.#drain(drain);
    return this;
  }

  #drain(drain: Uint8Array): void {
    const data = this.#data.over(drain);
    const connection = this.#connection.over(drain);
    const clock = this.#clock.over(drain);
    for (let offset = 0; offset < drain.length; offset += (data.size + 7) & ~7) {
      const { kind } = data.at(offset);
      if (kind === Kind.data) this.#stage.onData(data);
      else if (kind === Kind.connection) this.#stage.onConnection(connection.at(offset));
      else this.#stage.onClock(clock.at(offset).timeNs);
    }
  }
}

function speedOf(load: Load): Speed {
  const rounds = Array.from({ length: WARM_UP + ROUNDS }, () => {
    const before = process.cpuUsage();
    const { messages } = new Decoded().take(load);
    const { user, system } = process.cpuUsage(before);
    return { us: user + system, messages };
  }).slice(WARM_UP);
  // What else the machine does only adds to it.
  const us = Math.min(...rounds.map((round) => round.us));
  return {
    nsPerMessage: Math.round((us * 1000) / rounds[0]!.messages),
    megabytesPerSecond: Math.round((load.bytes / us) * 10) / 10,
  };
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** After the collection of all garbage; buffers are freed by another thread. */
async function bytesInUse(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    collect();
    await nextTurn();
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** What a connection keeps after a conversation that has not been closed; undefined where something is waited for at its end. */
async function idleBytes(wire: Wire): Promise<number | undefined> {
  const length = wire.steps.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0);
  const count = Math.min(IDLE_CONNECTIONS, Math.ceil(IDLE_BYTES / length));
  const load = openConversations(wire, count);
  // What the first ones of a process leave behind, and what the last one is still held by.
  new Decoded().take(openConversations(wire, 1));
  const before = await bytesInUse();
  const decoded = new Decoded().take(load);
  const kept = (await bytesInUse()) - before;
  // Both must be there until now.
  const { connections, idle } = decoded.held;
  if (connections !== count || load.drains.length === 0)
    throw new Error(`${wire.name}: connections are gone`);
  return idle < count ? undefined : Math.round(kept / count);
}

/** So many connections, each in the same conversation, and then nothing for some seconds. */
function openConversations(wire: Wire, count: number): Load {
  const writer = new LoadWriter();
  for (let i = 0; i < count; i++) writer.steps(writer.open(wire), wire.steps);
  for (let i = 0; i < 4; i++) writer.wait(1e9);
  return writer.finish();
}

async function main(): Promise<void> {
  const figures: DecodeFigures = {
    machine: `${cpus()[0]?.model.trim() || process.arch}, Node ${process.version}`,
    ...{ steady: [], whole: {}, idle: {} },
  };
  const asked = process.argv.slice(2);
  const isAsked = (protocol: string): boolean => asked.length === 0 || asked.includes(protocol);
  for (const steady of STEADY) {
    const { what, bound, protocol } = steady;
    if (!isAsked(protocol)) continue;
    const speed = speedOf(steadyConversations(steady, RECORDS / (steady.pipelined ?? 1)));
    figures.steady.push({ what, ...speed, bound });
    process.stdout.write(`${what}: ${speed.nsPerMessage} ns, ${Math.round(1e9 / speed.nsPerMessage)}/s\n`);
  }
  for (const protocol of PROTOCOLS) {
    const wires = wiresOf(protocol);
    if (wires.length === 0 || !isAsked(protocol)) continue;
    const speed = (figures.whole[protocol] = speedOf(wholeConversations(protocol, RECORDS / 4)));
    const kept: Array<[number, string]> = [];
    for (const wire of wires) {
      const bytes = await idleBytes(wire);
      if (bytes !== undefined) kept.push([bytes, wire.name]);
    }
    kept.sort(([a], [b]) => b - a);
    figures.idle[protocol] = kept[0]![0];
    process.stdout.write(
      `${protocol}: ${speed.nsPerMessage} ns, ${speed.megabytesPerSecond} MB/s, idle ${kept.slice(0, 4).join(' ')}\n`,
    );
  }
  if (asked.length === 0) writeFigures(figures);
}

await main();
