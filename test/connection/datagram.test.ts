import assert from 'node:assert/strict';
import { createStage } from '../../src/base/ledger.ts';
import { DataRecord, PositionKind } from '../../src/capture/records.gen.ts';
import { ConnectionTable, type StreamConsumer } from '../../src/connection/connection-table.ts';
import { RecordWriter } from '../support/records.ts';

/** Takes every second datagram, and sees no stream. */
class EverySecond implements StreamConsumer<undefined> {
  #seen = 0;
  readonly onBytes = (): never => assert.fail('a datagram is no stream');
  readonly onHole = this.onBytes;
  readonly onOpaque = this.onBytes;
  readonly onStreamEnd = this.onBytes;
  readonly onEvicted = this.onBytes;
  readonly onEnd = (): void => undefined;
  readonly onTick = (): boolean => false;
  readonly onIdle = (): boolean => false;
  readonly onForgotten = (): void => {};
  readonly rest = (): boolean => true;
  readonly onDatagram = (): 'unrecognised' | undefined =>
    this.#seen++ % 2 === 1 ? undefined : 'unrecognised';
}

describe('connection/connection-table, of datagrams', () => {
  it('books each as used or unrecognised, as its consumer says', () => {
    const stage = createStage('delivered');
    const table = new ConnectionTable(stage, new EverySecond());
    const record = new DataRecord();
    for (let position = 0; position < 5; position++) {
      const bytes = new RecordWriter()
        .add('data', { sock: 1, inode: 2, position_kind: PositionKind.datagram, position, length: 3 }, 'abc')
        .take();
      table.onData(record.over(bytes).at(0));
    }
    assert.deepEqual([stage.in, stage.out, stage.lost.unrecognised], [5, 2, 3]);
  });
});
