/** What the probes make of the tables of the kernel's side, word by word. */
import assert from 'node:assert/strict';
import { HostFiles, SourceMissing } from '../../../src/host/host-files.ts';
import { HISTOGRAM_WORDS } from '../../../src/host/kernel-histogram.ts';
import { diskRequests, KIND_WORDS, SERVICE_IO_WORDS } from '../../../src/host/probe/disk-requests.ts';
import { oom } from '../../../src/host/probe/oom.ts';
import { RECLAIM_WORDS, reclaim } from '../../../src/host/probe/reclaim.ts';
import { RUN_WORDS, runQueue } from '../../../src/host/probe/run-queue.ts';
import { tcp } from '../../../src/host/probe/tcp.ts';
import { figuresOf, histogramAt } from '../fake-tables.ts';

describe('host/probe in eBPF', () => {
  it('run_queue: waits and time on a CPU of each service, and of everybody else', () => {
    const runs: Array<[number, number]> = [
      ...histogramAt(0, { 0: 3, 25: 1 }, 20e9),
      [HISTOGRAM_WORDS, 7e9],
      ...histogramAt(RUN_WORDS, { 10: 2 }, 2e6),
    ];
    assert.deepEqual(figuresOf(runQueue, { sums: { runs } }), [
      'system.cpu.run_queue.duration{,} 4 20 0.000001024:3 more:1',
      'system.cpu.on_cpu.time{,} 7',
      'system.cpu.run_queue.duration{shop,market} 2 0.002 0.001048576:2',
      'system.cpu.on_cpu.time{shop,market} 0',
      'system.cpu.run_queue.duration{cart,} 0 0',
      'system.cpu.on_cpu.time{cart,} 0',
    ]);
  });

  it('disk_requests: each disk with its kinds of requests, and the services that made them', () => {
    const flush = (4 * 3 + 2) * KIND_WORDS;
    const found = figuresOf(diskRequests, {
      disks: [[3, 'sda']],
      sums: {
        disk_stats: [
          ...histogramAt(flush, { 1: 2 }, 4000),
          ...histogramAt(flush + HISTOGRAM_WORDS, { 0: 2 }, 1000),
          ...histogramAt(flush + 2 * HISTOGRAM_WORDS, { 1: 2 }, 3000),
          [flush + 3 * HISTOGRAM_WORDS, 1],
        ],
        service_disks: [
          ...histogramAt(3 * SERVICE_IO_WORDS, { 2: 1 }, 4096),
          [3 * SERVICE_IO_WORDS + HISTOGRAM_WORDS, 512],
        ],
      },
    });
    assert.deepEqual(found, [
      'system.disk.request.duration{sda,flush} 2 0.000004 0.000002048:2',
      'system.disk.request.queue.duration{sda,flush} 2 0.000001 0.000001024:2',
      'system.disk.request.service.duration{sda,flush} 2 0.000003 0.000002048:2',
      'system.disk.request.errors{sda,flush} 1',
      'process.disk.request.duration{shop,market,write} 1 0.000004096 0.000004096:1',
      'process.disk.request.io{shop,market,write} 512',
    ]);
  });

  it('tcp: what a service does with a peer, and why connections fail', () => {
    const shopToCart = (1 << 16) | 2;
    const counted = {
      entries: {
        peers: [
          [
            [shopToCart],
            [
              ...[1, 2, 3, 4, 5, 6, 7].map((n, at): [number, number] => [at, n * 10]),
              ...histogramAt(7, { 0: 1 }, 500),
              ...histogramAt(7 + HISTOGRAM_WORDS, { 3: 1 }, 8000),
            ],
          ],
        ] as Array<[number[], Array<[number, number]>]>,
        failures: [
          [[shopToCart, 111], [[0, 3]]],
          [[0, 0], [[0, 2]]],
          [[0, 9999], [[0, 1]]],
        ] as Array<[number[], Array<[number, number]>]>,
      },
    };
    const prefix = 'system.network.connection';
    const failures = [
      `${prefix}.failed{shop,market,cart,ECONNREFUSED} 3`,
      `${prefix}.failed{,,,cancelled} 2`,
      `${prefix}.failed{,,,9999} 1`,
    ];
    const always = ['opened 10', 'accepted 20'].map((figure) => figure.replace(' ', '{shop,market,cart} '));
    const found = figuresOf(tcp, counted);
    assert.deepEqual(found, [
      ...always.map((figure) => `${prefix}.${figure}`),
      `${prefix}.io{shop,market,cart,receive} 30`,
      `${prefix}.io{shop,market,cart,transmit} 40`,
      `${prefix}.retransmits{shop,market,cart} 50`,
      `${prefix}.resets{shop,market,cart,receive} 60`,
      `${prefix}.resets{shop,market,cart,transmit} 70`,
      `${prefix}.connect.duration{shop,market,cart} 1 5e-7 0.000001024:1`,
      `${prefix}.round_trip.duration{shop,market,cart} 1 0.000008 0.000008192:1`,
      ...failures,
    ]);
    const less = figuresOf(tcp, { ...counted, off: ['tcp_synack', 'tcp_reset_in', 'tcp_reset_out'] });
    assert.deepEqual(less, [
      ...['tcp_synack: refused', 'tcp_reset_in: refused', 'tcp_reset_out: refused'],
      ...found.filter((figure) => !/retransmits|resets/.test(figure)),
    ]);
  });

  it('reclaim: stalls by cause; of a service where there were any', () => {
    const sums = { reclaim_stats: histogramAt(RECLAIM_WORDS + HISTOGRAM_WORDS, { 4: 1 }, 16_000) };
    const name = 'system.memory.reclaim.duration';
    assert.deepEqual(figuresOf(reclaim, { sums }), [
      `${name}{,,host} 0 0`,
      `${name}{,,cgroup} 0 0`,
      `${name}{shop,market,cgroup} 1 0.000016 0.000016384:1`,
    ]);
    assert.deepEqual(figuresOf(reclaim, { sums, off: ['cgroup_end'] }), [
      'cgroup_end: refused',
      `${name}{,,host} 0 0`,
    ]);
  });

  it('oom: who was killed', () => {
    const kills = [
      { comm: 'java', slot: 1, kills: 2 },
      { comm: '', slot: 0, kills: 1 },
    ];
    assert.deepEqual(figuresOf(oom, { kills }), [
      'system.memory.oom.kills{shop,market,java} 2',
      'system.memory.oom.kills{,,} 1',
    ]);
  });

  const NEEDED = {
    run_queue: [runQueue, 'run_queue'],
    disk_requests: [diskRequests, 'disk_complete'],
    tcp: [tcp, 'tcp_state'],
    reclaim: [reclaim, 'reclaim_end'],
    oom: [oom, 'oom_mark'],
  } as const;
  for (const [name, [probe, program]] of Object.entries(NEEDED)) {
    it(`${name} is not available where ${program} does not run, nor where no program does`, () => {
      assert.throws(() => figuresOf(probe, { off: [program] }), SourceMissing);
      const source = { files: new HostFiles('/nowhere'), processes: () => [] };
      assert.throws(() => [...probe.read(source)], SourceMissing);
    });
  }
});
