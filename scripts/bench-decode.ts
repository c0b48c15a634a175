/**
 * Decoding throughput: keep-alive HTTP exchanges through the connection table and the decoder, both ends, from prebuilt record buffers.
 *
 *   node --import=tsx scripts/bench-decode.ts [connections] [seconds]
 *
 * Prints exchanges a second of CPU time (garbage collection included) and microseconds an exchange end (one request and one response record
 * each), without and with `describe`.
 */
import { Ledger } from '../src/base/ledger.ts';
import { ClockRecord, DataRecord, Kind, LAYOUT } from '../src/capture/records.gen.ts';
import { DecodeStage } from '../src/decode/decode-stage.ts';
import type { Exchange } from '../src/decode/exchange.ts';
import { createDecoders } from '../src/decode/protocol/index.ts';
import { RecordWriter, TestEnd } from '../test/support/records.ts';

const connections = Number(process.argv[2] ?? 100);
const seconds = Number(process.argv[3] ?? 3);
const PER_CONNECTION = Math.max(2, Math.ceil(2000 / connections));

const REQUEST =
  'GET /api/v1/orders/4711?page=2 HTTP/1.1\r\nHost: shop.example.org:8080\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n' +
  'Accept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\nCookie: sid=0123456789abcdef0123456789abcdef\r\n\r\n';
const BODY = 'x'.repeat(256);
const RESPONSE =
  'HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sat, 21 Nov 2026 12:00:00 GMT\r\nContent-Type: application/json\r\n' +
  `Content-Length: ${BODY.length}\r\nConnection: keep-alive\r\nETag: "5f3c-1a2b"\r\n\r\n${BODY}`;

/** One buffer that is fed again and again: positions and times are moved on in place. */
function build(): {
  bytes: Uint8Array;
  clientBytes: number;
  serverBytes: number;
  spanNs: number;
  ends: number;
} {
  const writer = new RecordWriter();
  const startNs = writer.nowNs;
  const pairs = Array.from({ length: connections }, () => [
    new TestEnd(writer),
    new TestEnd(writer, { accepted: true }),
  ]);
  for (let i = 0; i < PER_CONNECTION; i++) {
    for (const [client, server] of pairs) {
      client!.send(REQUEST);
      server!.receive(REQUEST).send(RESPONSE);
      client!.receive(RESPONSE);
    }
  }
  writer.clock();
  return {
    bytes: writer.take(),
    clientBytes: REQUEST.length * PER_CONNECTION,
    serverBytes: RESPONSE.length * PER_CONNECTION,
    spanNs: writer.nowNs - startNs,
    ends: PER_CONNECTION * connections * 2,
  };
}

/** Offsets of the records, which a drain finds by their sizes. */
function moveOn(bytes: Uint8Array, requestBytes: number, responseBytes: number, spanNs: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const { time_ns, enter_ns, position, length } = LAYOUT.data.fields;
  for (let at = 0; at < bytes.length; at += Math.ceil(view.getUint32(at, true) / 8) * 8) {
    const add = (offset: number, more: number) =>
      view.setBigUint64(at + offset, view.getBigUint64(at + offset, true) + BigInt(more), true);
    add(time_ns.offset, spanNs);
    if (bytes[at + 4] !== Kind.data) continue;
    if (view.getBigUint64(at + enter_ns.offset, true) !== 0n) add(enter_ns.offset, spanNs);
    const isRequest = view.getUint32(at + length.offset, true) === REQUEST.length;
    add(position.offset, isRequest ? requestBytes : responseBytes);
  }
}

function run(describe: boolean): void {
  const ledger = new Ledger();
  let closed = 0;
  let sum = 0;
  const stage: DecodeStage = new DecodeStage({
    decoders: createDecoders(),
    ledger,
    sink: {
      opened: () => {},
      closed: (exchange: Exchange) => {
        closed++;
        ledger.exchanges.out++;
        if (describe) sum += Object.keys(stage.describe(exchange).attributes).length;
      },
      dropped: () => {},
    },
    onVerdict: () => {},
  });
  const { bytes, clientBytes, serverBytes, spanNs, ends } = build();
  const data = new DataRecord(bytes);
  const clock = new ClockRecord(bytes);
  let busyNs = 0;
  let measured = 0;
  for (let round = 0; busyNs < seconds * 1e9; round++) {
    const before = process.cpuUsage();
    for (let at = 0; at < bytes.length; at += (data.size + 7) & ~7) {
      if (data.at(at).kind === Kind.data) stage.onData(data);
      else stage.onClock(clock.at(at).timeNs);
    }
    const { user, system } = process.cpuUsage(before);
    const took = (user + system) * 1000;
    if (round >= 20) {
      busyNs += took;
      measured += ends;
    }
    moveOn(bytes, clientBytes, serverBytes, spanNs);
  }
  const us = busyNs / measured / 1000;
  const rate = Math.round(1e6 / us);
  const balanced = ledger.imbalances().length === 0 && closed > 0 && ledger.delivered.lost.duplicate === 0;
  process.stdout.write(
    `${describe ? 'with describe   ' : 'without describe'}  ${connections} connections  ${us.toFixed(2)} us an exchange end  ` +
      `${rate} exchange ends/s  books ${balanced ? 'balance' : 'DO NOT BALANCE'}${describe ? `  (${sum} attributes)` : ''}\n`,
  );
}

run(false);
run(true);
