import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { DataRecord, ConnectionRecord, Kind } from '../../src/capture/records.gen.ts';
import { Decoding } from '../support/decoding.ts';
import { ipv4, RecordWriter, TestEnd } from '../support/records.ts';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

/** Enough that what other tests leave in this process does not matter. */
const CONNECTIONS = 40_000;
const REQUEST = 'GET /idle HTTP/1.1\r\nHost: example.org\r\nUser-Agent: t/1\r\n\r\n';
const RESPONSE = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello';

describe('connection/connection-table memory', function () {
  this.timeout(60_000);

  it('keeps an idle HTTP connection in less than 1 KiB', () => {
    const decoding = new Decoding();
    const writer = new RecordWriter();
    const data = new DataRecord();
    const connection = new ConnectionRecord();
    const open = (count: number, first: number) => {
      for (let i = first; i < first + count; i++) {
        const client = ipv4(`10.${i >>> 16}.${(i >>> 8) & 255}.${i & 255}`);
        const end = new TestEnd(writer, { accepted: true, remote: client, remotePort: 1024 + (i % 60_000) });
        end.event('accept');
        end.receive(REQUEST.slice(0, 20)).receive(REQUEST.slice(20)).send(RESPONSE);
        const bytes = writer.take();
        data.over(bytes);
        connection.over(bytes);
        for (let at = 0; at < bytes.length; at += Math.ceil(data.size / 8) * 8) {
          if (data.at(at).kind === Kind.data) decoding.stage.onData(data);
          else decoding.stage.onConnection(connection.at(at));
        }
        decoding.opened.length = decoding.closed.length = decoding.verdicts.length = 0;
      }
    };
    open(1000, 0);
    gc();
    const before = process.memoryUsage();
    open(CONNECTIONS, 1000);
    decoding.stage.onClock(writer.nowNs + 2e9);
    gc();
    const after = process.memoryUsage();
    assert.equal(decoding.stage.table.size, CONNECTIONS + 1000);
    assert.equal(decoding.ledger.exchanges.out, CONNECTIONS + 1000);
    const bytes = after.heapUsed - before.heapUsed + after.arrayBuffers - before.arrayBuffers;
    assert.ok(bytes / CONNECTIONS < 1024, `${Math.round(bytes / CONNECTIONS)} bytes a connection`);
    if (process.env['VERBOSE']) process.stdout.write(`      ${Math.round(bytes / CONNECTIONS)} bytes\n`);
  });
});
