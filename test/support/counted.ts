import assert from 'node:assert/strict';
import type { Played } from './driver.ts';

/**
 * Nothing was lost, and the kernel's counters say the same as what was counted elsewhere: as records, which the test counted itself, and among
 * themselves. `unwritten`: bytes of own and filtered calls, which only the driver's log knows.
 */
export function assertCounted({ recorded, counted, captured, ports }: Played, unwritten = 0): void {
  assert.deepEqual([counted.lost_ring_full, counted.state_lost], [0, 0]);
  const c = counted;
  const withoutRecord = c.elided_records + c.unrecognised_records + c.own_records + c.filtered_records;
  assert.deepEqual(
    { calls: c.calls_receive + c.calls_send, bytes: c.bytes_receive + c.bytes_send },
    {
      calls: recorded.calls + withoutRecord,
      bytes: recorded.bytes + c.elided_bytes + c.unrecognised_bytes + unwritten,
    },
    'calls and bytes differ from what became of them',
  );
  assert.deepEqual(
    {
      records: c.produced,
      truncated: c.truncated_records,
      faulty: c.payload_faults,
      urings: c.uring_setups,
      cutImages: c.exec_cut,
    },
    {
      records: recorded.records,
      truncated: recorded.truncated,
      faulty: recorded.faulty,
      urings: recorded.urings,
      cutImages: recorded.cutImages,
    },
    'the counters differ from the records',
  );
  const { records, drains, drained } = recorded;
  assert.deepEqual(captured, { records, drains, drained }, 'the capture does not know what it drained');
  const sum = (of: 'records' | 'bytes'): number => ports.reduce((total, port) => total + port[of], 0);
  assert.deepEqual([sum('records'), sum('bytes')], [c.unrecognised_records, c.unrecognised_bytes]);
}
