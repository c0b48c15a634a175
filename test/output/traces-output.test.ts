import assert from 'node:assert/strict';
import { Ledger } from '../../src/base/ledger.ts';
import { createExporterQueue, EXPORTER_TYPES, findExporterType } from '../../src/output/exporter/index.ts';
import { TracesOutput } from '../../src/output/traces-output.ts';
import { makeSpans } from '../support/make-spans.ts';

describe('output/traces-output', () => {
  it('hands each span to every exporter and counts it once as passed on', async () => {
    const ledger = new Ledger();
    const nop = findExporterType('nop')!;
    const output = new TracesOutput(ledger, [
      await createExporterQueue(nop, 'nop', {}, { ledger }),
      await createExporterQueue(nop, 'nop/encoded', { encode: true }, { ledger }),
    ]);
    for (let i = 0; i < 100; i++) {
      ledger.spans.in += 3;
      output.push(makeSpans(3));
      assert.deepEqual(ledger.imbalances(), []);
    }
    assert.equal(ledger.spans.out, 300);
    await output.flush();
    assert.deepEqual(
      output.stats().map(({ id, sent, spansHeld }) => [id, sent, spansHeld]),
      [
        ['nop', 300, 0],
        ['nop/encoded', 300, 0],
      ],
    );
    assert.equal(output.stats()[0]!.bytes, 0);
    assert.ok(output.stats()[1]!.bytes > 300 * 100);
    await output.shutdown(100);
    assert.deepEqual(ledger.imbalances(), []);
  });

  it('counts spans that nobody wants', () => {
    const ledger = new Ledger();
    const output = new TracesOutput(ledger, []);
    ledger.spans.in += 2;
    output.push(makeSpans(2));
    assert.equal(ledger.spans.lost.no_exporter, 2);
    assert.deepEqual(ledger.imbalances(), []);
  });

  it('lets a source that can wait lose nothing', async () => {
    const ledger = new Ledger();
    const settings = { sending_queue: { sizer: 'items', queue_size: 1_000 } };
    const queue = await createExporterQueue(findExporterType('nop')!, 'nop', settings, { ledger });
    const output = new TracesOutput(ledger, [queue]);
    for (let i = 0; i < 200; i++) {
      ledger.spans.in += 50;
      output.push(makeSpans(50));
      if (i % 10 === 9) await output.whenBelow(500);
    }
    await output.shutdown(1_000);
    assert.equal(queue.stats().sent, 10_000);
    assert.equal(queue.stats().enqueueFailed, 0);
  });
});

describe('output/exporter index', () => {
  it('finds a type by its id, by an older name, and not by another', () => {
    assert.equal(findExporterType('otlp_http/backup')!.type, 'otlp_http');
    assert.equal(findExporterType('otlphttp')!.type, 'otlp_http');
    assert.equal(findExporterType('otlp')!.type, 'otlp_grpc');
    assert.equal(findExporterType('zipkin'), undefined);
  });

  it('names every type once', () => {
    const names = EXPORTER_TYPES.flatMap(({ type, aliases }) => [type, ...aliases]);
    assert.equal(new Set(names).size, names.length);
  });
});
