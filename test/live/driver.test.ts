/** What the kernel side records, compared with what a C program that plays every data call says it did. */
import assert from 'node:assert/strict';
import { Event, Flag } from '../../src/capture/records.gen.ts';
import { assertCounted } from '../support/counted.ts';
import { assertRecorded, joinChunks, moving, play, type Played } from '../support/driver.ts';
import { NetworkNamespace } from '../support/netns.ts';
import { needCommand, needRoot } from '../support/programs.ts';

const STREAMS = ['tcp4', 'tcp6', 'mapped', 'unix', 'socketpair'];
const MESSAGES = ['udp', 'udp6', 'unix-dgram', 'unix-seqpacket', 'socketpair-dgram', 'socketpair-seqpacket'];
const EPIPE = 32;
const ECONNRESET = 104;
const ETIMEDOUT = 110;
const ECONNREFUSED = 111;

/** Scenario, its transports, and what it is about. */
const SCENARIOS: ReadonlyArray<[scenario: string, transports: readonly string[], claim: string]> = [
  ['calls', STREAMS, 'records every data call once, with place, length, time and bytes'],
  ['messages', MESSAGES, 'records every message once, by its ordinal'],
  ['iovecs', ['tcp4', 'unix'], 'walks 1 to 1024 iovecs'],
  ['mmsg', ['udp', 'unix-dgram', 'tcp4', 'unix'], 'records every message of sendmmsg and recvmmsg'],
  ['peek', ['tcp4', 'unix', 'udp'], 'leaves out what was only looked at'],
  ['trunc', ['tcp4', 'udp', 'unix-dgram'], 'counts what MSG_TRUNC throws away'],
  ['waitall', ['tcp4', 'unix'], 'records one receive of several sends'],
  ['partial', ['tcp4', 'tcp6', 'unix'], 'follows partial sends and EAGAIN'],
  ['eintr', ['tcp4', 'unix'], 'follows calls that a signal ends'],
  ['zero', ['tcp4', 'tcp6'], 'leaves out calls that move nothing'],
  ['files', ['tcp4', 'unix'], 'keeps positions across sendfile and splice'],
  ['bodies', ['tcp4', 'unix'], 'follows bodies of 1 B to 64 MiB'],
  [
    'dup',
    ['tcp4', 'unix'],
    'gives copies of a descriptor to their socket, dup2 under a blocked read included',
  ],
  ['fork', ['tcp4', 'unix'], 'follows a socket that parent and child share'],
  ['rights', ['tcp4', 'unix'], 'follows a socket that is passed to another process'],
  ['fin', ['tcp4', 'tcp6', 'unix'], 'keeps positions when the FIN is read with data'],
  ['half', ['tcp4', 'unix'], 'follows the open half of a connection'],
];

function failures(played: Played, event: number): Array<{ inode: number; result: number }> {
  return played.connections
    .filter((c) => c.event === event && c.result < 0)
    .map(({ inode, result }) => ({ inode, result }));
}

describe('the records of the C driver', function () {
  this.timeout(60_000);

  before(function () {
    needRoot(this);
  });

  for (const [scenario, transports, claim] of SCENARIOS) {
    for (const transport of transports) {
      it(`${claim} (${scenario} ${transport})`, async function () {
        const played = await play(this, scenario, [transport]);
        assert.ok(moving(played.calls).length > 0);
        assertRecorded(played);
        assertCounted(played);
      });
    }
  }

  it('tells the senders of an unconnected UDP socket apart', async function () {
    const played = await play(this, 'unconnected');
    const sent = played.data.filter(({ direction }) => direction === 'send');
    const received = played.data.filter(({ direction }) => direction === 'receive');
    assert.deepEqual([sent.length, received.length], [20, 20]);
    for (const [i, record] of received.entries()) assert.deepEqual(record.payload, sent[i]!.payload);
  });

  it('keeps 2000 connections on two descriptors apart', async function () {
    const played = await play(this, 'reuse', ['2000']);
    assertRecorded(played);
    const over = new Set(played.connections.filter(({ ends }) => ends).map(({ inode }) => inode));
    const silent = new Set(played.data.map(({ inode }) => inode).filter((inode) => !over.has(inode)));
    assert.deepEqual([silent.size, over.size >= 4000], [0, true], 'all told how far they went');
    assertCounted(played);
  });

  for (const transport of ['tcp4', 'unix']) {
    it(`is never wrong in silence when two threads write on one socket (${transport})`, async function () {
      const played = await play(this, 'writers', [transport, '3000']);
      const places = new Map(played.notes.filter((n) => 'found' in n).map((n) => [n.found!, n.pos!]));
      const marks = played.notes.filter((n) => 'mark' in n);
      const sends = joinChunks(
        played.data.filter((d) => d.inode === marks[0]!.inode && d.direction === 'send'),
      );
      assert.equal(sends.length, places.size);
      const wrong = marks.filter(({ mark, t0, t1 }) => {
        // Payload beyond the budget is not captured, so a write is known by its times. Those of the other thread may lie within.
        const near = sends.filter(({ enterNs, timeNs }) => enterNs >= t0! && timeNs <= t1!);
        assert.ok(near.length > 0, `no record of write ${mark}`);
        return near.every(({ position, flags }) => position !== places.get(mark!) && !(flags & Flag.unsure));
      });
      assert.deepEqual(
        wrong.slice(0, 3),
        [],
        `${wrong.length} of ${sends.length} positions are wrong and not marked`,
      );
    });
  }

  it('makes a reset visible at the end that suffers it', async function () {
    const played = await play(this, 'reset');
    const seen = failures(played, Event.failed);
    for (const errno of [ECONNRESET, EPIPE]) {
      const wanted = played.calls.filter((line) => line.errno === errno).map(({ inode }) => inode);
      assert.equal(wanted.length, 10);
      const found = seen.filter(({ result }) => result === -errno).map(({ inode }) => inode);
      assert.deepEqual(found.sort(), wanted.sort(), `errno ${errno}`);
    }
    assertRecorded(played);
  });

  it('makes a refused connection visible, blocking or not', async function () {
    const played = await play(this, 'refused');
    const wanted = played.events.filter((line) => line.errno === ECONNREFUSED).map(({ inode }) => inode);
    assert.equal(wanted.length, 10);
    const seen = new Set(
      [...failures(played, Event.connect), ...failures(played, Event.failed)]
        .filter(({ result }) => result === -ECONNREFUSED)
        .map(({ inode }) => inode),
    );
    assert.deepEqual([...seen].sort(), wanted.sort());
  });

  it('makes a connection that times out visible', async function () {
    needCommand(this, 'nft', 'packets are dropped with nftables');
    const netns = NetworkNamespace.create(this);
    try {
      netns.dropPort(9);
      const played = await play(this, 'timeout', [netns.inside, '9']);
      const [line] = played.events;
      assert.equal(line!.errno, ETIMEDOUT);
      assert.deepEqual(
        failures(played, Event.connect).filter(({ inode }) => inode === line!.inode),
        [{ inode: line!.inode, result: -ETIMEDOUT }],
      );
    } finally {
      netns.remove();
    }
  });

  it('keeps exact positions beyond 4 GiB', async function () {
    this.timeout(120_000);
    const gibibytes = Number(process.env.UNDERTRACE_LONG_GIB ?? 5);
    const played = await play(this, 'long', ['tcp4', String(gibibytes * 2 ** 30)]);
    assert.equal(played.calls.length, 2);
    for (const line of played.calls) {
      const record = played.data.find(
        (d) => d.inode === line.inode && d.position === line.pos && d.direction === line.dir,
      );
      assert.equal(record?.length, 500, `no record at ${line.pos}`);
    }
  });
});
