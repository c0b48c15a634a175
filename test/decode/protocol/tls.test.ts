import assert from 'node:assert/strict';
import { Verdict } from '../../../src/capture/records.gen.ts';
import { Claim } from '../../../src/decode/decoder.ts';
import { createTls } from '../../../src/decode/protocol/tls.ts';
import { Decoding } from '../../support/decoding.ts';
import { random } from '../../support/random.ts';
import { RecordWriter, TestEnd, type TestEndOptions } from '../../support/records.ts';
import { readWires, type Step } from '../../support/wire.ts';

const WIRES = readWires(new URL('../../fixtures/decode/tls/', import.meta.url));

function stepsOf(name: string): Step[] {
  return WIRES.find((wire) => wire.name === name)!.steps.filter(({ bytes }) => bytes !== undefined);
}

function setUp(options: TestEndOptions = {}) {
  const writer = new RecordWriter();
  return { writer, decoding: new Decoding(), end: new TestEnd(writer, options) };
}

/** A record of a type with so many bytes. */
function record(type: number, length: number): Buffer {
  return Buffer.concat([Buffer.of(type, 3, 3, length >> 8, length & 255), Buffer.alloc(length, 0xab)]);
}

function claimOf(bytes: Uint8Array, final = false, joined = false): Claim {
  return createTls().probe(bytes, 0, bytes.length, final, joined);
}

describe('decode/protocol/tls', () => {
  it('gives the connection up as tls as soon as the handshake is over', () => {
    for (const name of [
      'openssl13.wire',
      'openssl12.wire',
      'resumed12.wire',
      'untrusted12.wire',
      'plain.wire',
    ]) {
      const { writer, decoding, end } = setUp();
      for (const { from, bytes } of stepsOf(name)) {
        if (from === 'client') end.send(bytes!);
        else end.receive(bytes!);
      }
      decoding.feed(writer);
      assert.equal(decoding.closed.length, 1, name);
      assert.deepEqual(
        decoding.verdicts.map(({ verdict, budget }) => [verdict, budget]),
        [
          [Verdict.full, 32_768],
          [Verdict.drop, 0],
        ],
        name,
      );
      const [report] = [...decoding.stage.reports()];
      assert.deepEqual([report!.byteClass, report!.open], ['tls', 0], name);
    }
  });

  it('takes as long as the handshake: up to the record that ends it', () => {
    const { writer, decoding, end } = setUp();
    const ends: number[] = [];
    for (const { from, bytes } of stepsOf('openssl13.wire')) {
      if (from === 'client') end.send(bytes!);
      else end.receive(bytes!);
      ends.push(writer.nowNs);
    }
    decoding.feed(writer);
    const { startNs, endNs } = decoding.closed[0]!;
    assert.ok(startNs <= ends[0]! && endNs === ends[2]!, `${startNs} ${endNs} ${ends.join()}`);
  });

  it('waits for a ServerHello whose record comes after the client has gone on', () => {
    const { writer, decoding, end } = setUp();
    const [hello, server, finished] = stepsOf('openssl13.wire') as [Step, Step, Step];
    end.send(hello.bytes!);
    const receivedNs = writer.nowNs + 1000;
    end.send(finished.bytes!, { timeNs: receivedNs + 2000, enterNs: receivedNs + 1000 });
    end.receive(server.bytes!, { timeNs: receivedNs });
    decoding.feed(writer);
    const { attributes } = decoding.describe(decoding.closed[0]!);
    assert.deepEqual([attributes['tls.established'], attributes['tls.protocol.version']], [true, '1.3']);
  });

  it('tells a client that breaks off behind its keys from one that is done', () => {
    const { writer, decoding, end } = setUp();
    const [hello, server] = stepsOf('openssl13.wire') as [Step, Step];
    end.send(hello.bytes!).receive(server.bytes!).send(record(23, 19));
    decoding.feed(writer);
    const { attributes } = decoding.describe(decoding.closed[0]!);
    assert.deepEqual(
      ['tls.established', 'error.type', 'undertrace.tls.alert.from'].map((key) => attributes[key]),
      [false, 'encrypted_alert', 'client'],
    );
  });

  it('goes on behind a warning, and is over with a close', () => {
    for (const [alert, failure] of [
      [[1, 112], undefined],
      [[1, 0], 'close_notify'],
      [[2, 200], 'alert_200'],
    ] as const) {
      const { writer, decoding, end } = setUp();
      const steps = stepsOf('openssl12.wire');
      end.send(steps[0]!.bytes!).receive(Buffer.of(21, 3, 3, 0, 2, ...alert));
      for (const { from, bytes } of steps.slice(1)) {
        if (from === 'client') end.send(bytes!);
        else end.receive(bytes!);
      }
      decoding.feed(writer);
      assert.deepEqual(
        decoding.closed.map((exchange) => decoding.describe(exchange).errorType),
        [failure],
      );
    }
  });

  it('does not claim a connection that is joined behind the ClientHello', () => {
    const steps = stepsOf('openssl13.wire');
    for (let from = 1; from < steps.length; from++) {
      const { writer, decoding, end } = setUp();
      end.lose('send', 100).lose('receive', 100);
      for (const step of steps.slice(from)) {
        if (step.from === 'client') end.send(step.bytes!);
        else end.receive(step.bytes!);
      }
      decoding.feed(writer);
      assert.equal(decoding.opened.length, 0);
    }
  });

  it('keeps what it shows short', () => {
    const { bytes } = stepsOf('openssl13.wire')[0]!;
    const hello = Buffer.from(bytes!);
    const name = hello.indexOf('shop.example');
    for (const bad of ['shop<xample ', 'shop\0example']) {
      const { writer, decoding, end } = setUp();
      hello.write(bad, name, 'latin1');
      end.send(hello).receive(record(21, 2));
      decoding.feed(writer);
      assert.equal(decoding.describe(decoding.closed[0]!).attributes['server.address'], '127.0.0.1');
    }
  });

  it('claims a hello alone', () => {
    const hello = stepsOf('openssl13.wire')[0]!.bytes!;
    for (let length = 0; length < 44; length++) {
      assert.equal(claimOf(hello.subarray(0, length)), Claim.more, `${length}`);
      assert.equal(claimOf(hello.subarray(0, length), true), Claim.no, `${length}`);
    }
    assert.equal(claimOf(hello.subarray(0, 44)), Claim.request);
    assert.equal(claimOf(hello, false, true), Claim.request);
    const server = stepsOf('openssl13.wire')[1]!.bytes!;
    assert.deepEqual([claimOf(server), claimOf(server, false, true)], [Claim.response, Claim.no]);
    assert.equal(claimOf(record(22, 300)), Claim.no);
    assert.equal(claimOf(record(23, 300)), Claim.no);
    const next = random(5);
    for (let round = 0; round < 20_000; round++) {
      const bytes = Uint8Array.from({ length: 64 }, () => Math.floor(next() * 256));
      bytes.set([22, 3, 3]);
      assert.equal(claimOf(bytes), Claim.no);
    }
  });
});
