/** The kernel side's counters against the C driver's log and against the records that were drained: each has its own way of being wrong. */
import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { Verdict } from '../../src/capture/records.gen.ts';
import { assertCounted } from '../support/counted.ts';
import {
  assertAmongCalls,
  assertRecorded,
  type CallLine,
  type Played,
  moving,
  play,
} from '../support/driver.ts';
import { needMachine, needRoot } from '../support/programs.ts';

const TRANSPORTS = ['tcp4', 'tcp6', 'unix', 'udp'];
const IPPROTO = { tcp: 6, udp: 17, unix: 0 };
/** Turns of direction at both ends after the verdict of the scenario `verdicts`. */
const RUNS = 8;

/** Calls and bytes of the driver's lines: one line a message. */
function sumOf(lines: readonly CallLine[]): { calls: number; bytes: number } {
  return {
    calls: lines.filter(({ message }) => message === 0).length,
    bytes: lines.reduce((sum, { ret }) => sum + ret, 0),
  };
}

function bytesOf(data: ReadonlyArray<{ length: number }>): number {
  return data.reduce((sum, { length }) => sum + length, 0);
}

/** What the driver did before and after the verdict on its sockets. */
function phases({ calls, notes }: Played): { before: CallLine[]; after: CallLine[] } {
  const { at } = notes.find((note) => note.phase === 2)!;
  const all = moving(calls);
  return { before: all.filter(({ t1 }) => t1 < at!), after: all.filter(({ t0 }) => t0 > at!) };
}

/** Each call is counted in its direction. Other programs of the machine are counted too. */
function assertDirections({ calls, counted }: Played): void {
  for (const dir of ['receive', 'send'] as const) {
    const own = sumOf(moving(calls).filter((line) => line.dir === dir));
    assert.ok(counted[`calls_${dir}`] >= own.calls && counted[`bytes_${dir}`] >= own.bytes);
  }
}

/** What has no record was counted as dropped. */
function assertUnrecognised({ calls, counted, data }: Played): void {
  const made = sumOf(moving(calls));
  assert.deepEqual(
    { calls: counted.unrecognised_records, bytes: counted.unrecognised_bytes },
    { calls: made.calls - data.length, bytes: made.bytes - bytesOf(data) },
  );
}

describe('the counters of the kernel side', function () {
  this.timeout(60_000);

  before(function () {
    needRoot(this);
  });

  async function judged(context: Mocha.Context, transport: string, verdict: number): Promise<Played> {
    const played = await play(context, 'verdicts', [transport], { verdict });
    const { before, after } = phases(played);
    assert.deepEqual([before.length, after.length], [4, 84]);
    return played;
  }

  for (const transport of TRANSPORTS) {
    it(`tell each call with its bytes apart by direction (${transport})`, async function () {
      const played = await judged(this, transport, Verdict.full);
      assertRecorded(played);
      assertCounted(played);
      assertDirections(played);
      const messages = played.data.filter(({ message }) => message === 0);
      assert.equal(messages.length, sumOf(moving(played.calls)).calls);
    });

    it(`count what an elide verdict sums up, and the records hand it over (${transport})`, async function () {
      const played = await judged(this, transport, Verdict.elide);
      assertCounted(played);
      const { counted, data, connections } = played;
      const log = sumOf(moving(played.calls));
      const written = data.filter(({ message }) => message === 0).length;
      const bytes = bytesOf(data);
      assert.deepEqual(
        { calls: counted.elided_records, bytes: counted.elided_bytes },
        { calls: log.calls - written, bytes: log.bytes - bytes },
      );
      const told = { records: 0, bytes: 0 };
      for (const { gapRecords, gapBytes } of [...data, ...connections]) {
        told.records += gapRecords;
        told.bytes += gapBytes;
      }
      assert.deepEqual(told, { records: counted.elided_records, bytes: counted.elided_bytes });
      // The runs are of 20 kB, of which 8 KiB are captured, at both ends and both ways. A datagram is a run of its own.
      assert.equal(counted.elided_records, transport === 'udp' ? 0 : 4 * (20 - 9));
    });

    it(`count what a drop verdict leaves out, by the server's port (${transport})`, async function () {
      const played = await judged(this, transport, Verdict.drop);
      assertCounted(played);
      const { counted, data, ports } = played;
      const { before, after } = phases(played);
      const { calls, bytes } = sumOf(after);
      assert.deepEqual([counted.unrecognised_records, counted.unrecognised_bytes], [calls, bytes]);
      assert.equal(data.length, before.length);
      const protocol = transport === 'unix' ? 'unix' : transport === 'udp' ? 'udp' : 'tcp';
      const found = ports.map((line) => ({ ...line, port: line.port > 0 }));
      const named = { protocol: IPPROTO[protocol], port: protocol !== 'unix' };
      // Neither end of a datagram socket is the server, so each counts under the other's port.
      const split = protocol === 'udp' ? 2 : 1;
      const line = { ...named, records: calls / split, bytes: bytes / split };
      assert.deepEqual(found, new Array(split).fill(line));
    });

    it(`count what is dropped of many connections at once (${transport})`, async function () {
      // So many that in the kernel's table of them some dozen places are asked for twice.
      const count = 400;
      const options = { verdict: Verdict.drop, sockets: 2 * count };
      const played = await play(this, 'verdicts', [transport, `${count}`], options);
      assertCounted(played);
      assertUnrecognised(played);
      const { data } = played;
      // Verdicts come while the first calls are under way.
      assert.ok(data.length <= 4 * count && sumOf(phases(played).after).calls === 84 * count);
    });

    if (transport !== 'udp')
      it(`count a send that the verdict overtakes once, and nothing on a file for it (${transport})`, async function () {
        const played = await play(this, 'across', [transport], { verdict: Verdict.drop, sockets: 1 });
        assertCounted(played);
        assertUnrecognised(played);
        const sent = played.data.filter(({ direction }) => direction === 'send');
        assert.deepEqual(
          sent.map(({ length }) => length),
          [100],
        );
        assertDirections(played);
      });

    for (const name of ['own', 'filtered'] as const) {
      it(`count the calls that the verdict ${name} leaves out (${transport})`, async function () {
        const played = await judged(this, transport, Verdict[name]);
        const { before, after } = phases(played);
        const { calls, bytes } = sumOf(after);
        assertCounted(played, bytes);
        assert.equal(played.counted[`${name}_records`], calls);
        assert.equal(played.data.length, before.length);
      });
    }

    it(`count the first records of runs, without payload, and sum up the rest (${transport})`, async function () {
      const played = await judged(this, transport, Verdict.header);
      assertCounted(played);
      const { after } = phases(played);
      const { at } = played.notes.find((note) => note.phase === 2)!;
      const cut = played.data.filter(({ timeNs }) => timeNs > at!);
      assert.ok(cut.every(({ payload }) => payload.length === 0));
      assert.equal(cut.length + played.counted.elided_records, after.length);
      // Two runs of 20 calls at each end, and both ways once more. A datagram is a run of its own.
      assert.equal(cut.length, transport === 'udp' ? after.length : RUNS);
      assert.ok(played.counted.truncated_records >= cut.length);
    });
  }

  for (const transport of ['tcp4', 'unix']) {
    it(`count records whose payload could not be read (${transport})`, async function () {
      const played = await play(this, 'faults', [transport]);
      assertCounted(played);
      assert.deepEqual(
        played.data
          .filter(({ direction }) => direction === 'receive')
          .map(({ length, payload }) => [length, payload.length]),
        [
          [100, 0],
          [100, 0],
        ],
      );
      assert.ok(played.counted.payload_faults >= 2);
    });
  }

  it('count what is dropped at its own port when the thread moves to another CPU meanwhile', async function () {
    needMachine(this, availableParallelism() > 1, 'one CPU: nowhere to move to');
    const played = await play(this, 'moved', [], { verdict: Verdict.drop, sockets: 4 });
    assertCounted(played);
    assertUnrecognised(played);
    assertDirections(played);
    const { calls, data, ports } = played;
    const expected = ports.map(({ protocol, port }) => {
      const there = data.filter(({ localPort, remotePort }) => [localPort, remotePort].includes(port));
      const inodes = new Set(there.map(({ inode }) => inode));
      assert.equal(inodes.size, 2);
      const made = sumOf(moving(calls).filter(({ inode }) => inodes.has(inode)));
      return { protocol, port, records: made.calls - there.length, bytes: made.bytes - bytesOf(there) };
    });
    assert.deepEqual(ports, expected);
    assert.equal(ports.length, 2);
  });

  it('take no connection for an earlier one that had its address and was dropped', async function () {
    const count = 200;
    const played = await play(this, 'again', [`${count}`], { verdict: Verdict.drop });
    assertCounted(played);
    const { data } = played;
    const of = (key: 'sock' | 'inode'): number => new Set(data.map((record) => record[key])).size;
    assert.equal(of('inode'), 2 * count);
    assert.ok(of('sock') < count, `${of('sock')} addresses: hardly one was used twice`);
    assert.equal(played.counted.unrecognised_records, sumOf(moving(played.calls)).calls - data.length);
  });

  it('count the messages of a recvmmsg beyond what is walked', async function () {
    const played = await play(this, 'many', ['1500']);
    assertCounted(played);
    const { inode, received } = played.notes.find((note) => 'received' in note)!;
    assert.equal(received, 1500);
    assert.equal(played.counted.messages_cut, 1500 - 1024);
    const places = played.data
      .filter((record) => record.inode === inode && record.direction === 'receive')
      .map(({ position }) => position);
    assert.deepEqual(places, [...Array.from({ length: 1024 }, (_, i) => i), 1500]);
  });

  it('count io_uring instances', async function () {
    const played = await play(this, 'uring', ['3']);
    const made = played.notes.map(({ uring }) => uring);
    needMachine(this, made[0] === 1, `io_uring is switched off here (errno ${-made[0]!})`);
    assert.deepEqual(made, [1, 1, 1, -22]);
    assertCounted(played);
    assert.ok(played.counted.uring_setups >= 3);
  });

  it('let the first record after a quiet while wake the drain', async function () {
    // Without a verdict long runs wake it too. No number of sockets ends the wait for the sleep.
    const options = { verdict: Verdict.header, sockets: Infinity, letSleep: true };
    const played = await play(this, 'verdicts', ['tcp4'], options);
    assertCounted(played);
    assert.ok(played.wakeups > 0, 'the drain was never woken');
  });

  it('count the state that the kernel does not keep', async function () {
    const { counted, recorded, refused } = await play(this, 'reuse', ['1000'], { refusing: true });
    const { conns, threads } = refused!;
    assert.ok(conns > 200 && threads > 0, `${conns} and ${threads} refused`);
    assert.equal(counted.state_lost, conns + threads);
    assert.equal(counted.produced, recorded.records + counted.lost_ring_full);
  });

  it('count process images that are longer than what is kept, each once', async function () {
    const played = await play(this, 'images');
    assertCounted(played);
    assert.equal(played.notes.filter(({ cut }) => cut === 1).length, 3);
    assert.ok(played.counted.exec_cut >= 3);
  });

  /** Plays into a ring that is too small and not drained: whatever was set out to be written is in the ring or counted as lost. */
  async function overrun(context: Mocha.Context, scenario: string, argument: string): Promise<Played> {
    const played = await play(context, scenario, [argument], { ringBytes: 256 << 10, undrained: true });
    const { counted, recorded } = played;
    assert.ok(counted.lost_ring_full > 0, 'the ring was never full');
    assert.equal(counted.overruns, 1);
    assert.equal(counted.produced, recorded.records + counted.lost_ring_full);
    return played;
  }

  it('count the events that a full ring loses', async function () {
    const { counted, connections } = await overrun(this, 'reuse', '1000');
    const lostData = counted.calls_receive + counted.calls_send;
    assert.ok(counted.lost_ring_full > lostData, 'nothing but data was lost');
    assert.ok(connections.length > 0, 'no event had room');
  });

  it('count the data that a full ring loses, and wake the drain before', async function () {
    const { counted, recorded, calls } = await overrun(this, 'calls', 'unix');
    // A lost record of a chunk is not the loss of a call, and events are lost too.
    const lostCalls = counted.calls_receive + counted.calls_send - recorded.calls;
    assert.ok(lostCalls > 0 && lostCalls <= counted.lost_ring_full, `${lostCalls} calls lost`);
    assert.ok(counted.wakeups > 0, 'the drain was never woken');
    assert.ok(counted.calls_receive + counted.calls_send >= sumOf(moving(calls)).calls);
  });

  for (const transport of ['tcp4', 'unix']) {
    it(`take data again after the ring overran, and take no call for another (${transport})`, async function () {
      const count = 4000;
      const played = await play(this, 'exchanges', [transport, `${count}`], { ringBytes: 256 << 10 });
      const { counted, recorded, data, calls } = played;
      assertAmongCalls(played);
      assert.equal(counted.produced, recorded.records + counted.lost_ring_full);
      const made = counted.calls_receive + counted.calls_send;
      const without = counted.unrecognised_records + counted.own_records + counted.filtered_records;
      const lost = made - recorded.calls - without;
      assert.ok(lost > 0 && lost <= counted.lost_ring_full, `${lost} calls lost`);
      assert.ok(counted.overruns > 1, `${counted.overruns} overruns`);
      assert.ok(data.length > 0 && data.length < moving(calls).length);
      // Nothing that the driver did to its files was taken for a call on the connection.
      assert.ok(made >= moving(calls).length && made < moving(calls).length + 2 * count, `${made} calls`);
    });
  }
});
