import assert from 'node:assert/strict';

import type { HostFacts, ProcessFacts } from '../../src/capture/facts.ts';
import { ProcessTable, type ProcessTableOptions } from '../../src/enrich/process-table.ts';
import type { ServiceResource } from '../../src/enrich/resource.ts';

const S = 1_000_000_000;
const TICK = 10_000_000;
const HOST: HostFacts = {
  ...{
    hostName: 'thishost',
    hostId: 'd0f7c0de',
    arch: 'x86_64',
    osType: 'linux',
    kernel: '6.12',
    backend: 'syscalls',
  },
  ...{ bootId: 'b', agentVersion: '0.1.0', agentPid: 1, boottimeOffsetNs: 0, osVersion: '12' },
};

function makeTable(options: ProcessTableOptions = {}) {
  const table = new ProcessTable(options);
  table.onHost(HOST);
  const clock = (nowNs: number): void => table.clock(nowNs, 1_800_000_000, 0, nowNs);
  clock(100 * S);
  return { table, clock };
}

function exec(name: string, more: Partial<ProcessFacts> = {}): ProcessFacts {
  return {
    source: 'exec',
    exe: `/usr/bin/${name}`,
    argv: [name],
    comm: name,
    environ: {},
    cwd: '/',
    ...more,
  };
}

function known(resource: ServiceResource | 'pending'): ServiceResource {
  assert.notEqual(resource, 'pending');
  return resource as ServiceResource;
}

describe('enrich/process-table', () => {
  it('names a process by its exec and gives the same object as long as nothing changes', () => {
    const { table, clock } = makeTable();
    table.onProcess(10, 5 * S, exec('curl'));
    const first = known(table.identify(10, 5 * S));
    assert.equal(first.serviceName, 'curl');
    clock(200 * S);
    assert.equal(table.identify(10, 5 * S), first);
    table.onProcess(10, 5 * S, exec('wget'));
    assert.equal(known(table.identify(10, 5 * S)).serviceName, 'wget');
  });

  it('knows which processes export traces of their own, each for itself, until another program runs there', () => {
    const { table, clock } = makeTable();
    const states = (): boolean[] => [10, 11, 12].map((tgid) => table.exportsTraces(tgid, 5 * S));
    table.onProcess(10, 5 * S, exec('shop'));
    table.onTraces(10, 5 * S, 'exports');
    table.onFork(11, 5 * S, 10, 5 * S);
    assert.deepEqual(states(), [true, false, false]);
    assert.ok(table.exportsTraces(10, 0));
    table.onTraces(11, 5 * S, 'exports');
    table.onTraces(12, 5 * S, 'exports'); // never heard of before
    assert.deepEqual(states(), [true, true, true]);
    table.onProcess(11, 5 * S, exec('other'));
    assert.deepEqual(states(), [true, false, true]);
    // Spans leave after their process has ended; another process of the same number is another one.
    table.onExit(10, 5 * S, 102 * S);
    assert.ok(table.exportsTraces(10, 5 * S));
    table.onProcess(10, 7 * S, exec('shop'));
    assert.ok(!table.exportsTraces(10, 7 * S));
    clock(200 * S);
    assert.ok(!table.exportsTraces(10, 5 * S));
  });

  it('takes what hands on the traces of others for no application', () => {
    const { table } = makeTable();
    for (const [tgid, ...seen] of [
      [10, 'relays', 'exports'],
      [11, 'exports', 'relays', 'exports'],
    ] as const) {
      for (const how of seen) table.onTraces(tgid, 5 * S, how);
      assert.ok(!table.exportsTraces(tgid, 5 * S), seen.join());
    }
  });

  it('knows a process whether its start is given to the nanosecond or to the tick', () => {
    const { table } = makeTable();
    table.onProcess(10, 5 * S + 7 * TICK, { ...exec('curl'), source: 'scan' });
    assert.equal(known(table.identify(10, 5 * S + 7 * TICK + 9_999_999)).serviceName, 'curl');
    assert.equal(table.identify(10, 5 * S + 8 * TICK), 'pending');
    assert.equal(table.identify(10, 5 * S + 6 * TICK + 9_999_999), 'pending');
  });

  it('tells processes of one number apart that started within one tick', () => {
    const { table } = makeTable();
    table.onProcess(10, 5 * S + 100, exec('curl'));
    table.onExit(10, 5 * S + 100, 100 * S);
    table.onProcess(10, 5 * S + 200, exec('wget'));
    assert.equal(known(table.identify(10, 5 * S + 100)).serviceName, 'curl');
    assert.equal(known(table.identify(10, 5 * S + 200)).serviceName, 'wget');
    // /proc, read late, tells of the newest.
    table.onProcess(10, 5 * S, { source: 'scan', exe: '/usr/bin/wget', user: 'w' });
    assert.equal(known(table.identify(10, 5 * S + 200)).serviceName, 'wget');
  });

  it('never gives a process the name of another one that had its number', () => {
    const { table } = makeTable();
    table.onProcess(10, 5 * S, exec('old'));
    table.onExit(10, 5 * S, 101 * S);
    table.onProcess(10, 6 * S, exec('new'));
    assert.equal(known(table.identify(10, 5 * S)).serviceName, 'old');
    assert.equal(known(table.identify(10, 6 * S)).serviceName, 'new');
    assert.equal(table.identify(10, 7 * S), 'pending');
    assert.notEqual(
      known(table.identify(10, 5 * S)).attributes['service.instance.id'],
      known(table.identify(10, 6 * S)).attributes['service.instance.id'],
    );
  });

  it('takes children that were forked without exec for their parent, and those with exec for themselves', () => {
    const { table } = makeTable();
    table.onProcess(10, 5 * S, exec('nginx'));
    for (const child of [11, 12, 13]) table.onFork(child, 6 * S, 10, 5 * S);
    table.onFork(14, 6 * S, 13, 6 * S);
    const master = known(table.identify(10, 5 * S));
    for (const child of [11, 12, 13, 14]) assert.equal(table.identify(child, 6 * S), master);
    table.onProcess(12, 6 * S, exec('curl'));
    assert.equal(known(table.identify(12, 6 * S)).serviceName, 'curl');
    assert.equal(table.identify(11, 6 * S), master);
    assert.equal(master.attributes['process.pid'], 10);
  });

  it('shows a living process when the one that started the others has ended', () => {
    const { table } = makeTable();
    table.onProcess(10, 5 * S, exec('daemon'));
    table.onFork(11, 5 * S + S / 2, 10, 5 * S);
    table.onExit(10, 5 * S, 101 * S);
    const daemon = known(table.identify(11, 5 * S + S / 2));
    assert.equal(daemon.serviceName, 'daemon');
    assert.equal(daemon.attributes['process.pid'], 11);
  });

  it('finds workers in a scan, in whatever order it goes', () => {
    for (const reverse of [false, true]) {
      const { table } = makeTable();
      const scan = (argv: string[], parent: number): ProcessFacts => ({
        ...exec('nginx', { argv, parent }),
        source: 'scan',
      });
      const found: Array<[number, ProcessFacts]> = [
        [10, scan(['nginx: master process /usr/sbin/nginx'], 1)],
        [11, scan(['nginx: worker process'], 10)],
        [12, scan(['nginx: worker process'], 10)],
        [13, { ...scan(['bash', '/x/a.sh'], 10), exe: '/usr/bin/bash' }],
        [14, { ...scan(['bash', '/x/b.sh'], 13), exe: '/usr/bin/bash' }],
      ];
      if (reverse) found.reverse();
      for (const [tgid, facts] of found) table.onProcess(tgid, 5 * S, facts);
      const master = known(table.identify(10, 5 * S));
      assert.equal(table.identify(11, 5 * S), master);
      assert.equal(table.identify(12, 5 * S), master);
      assert.equal(known(table.identify(13, 5 * S)).serviceName, 'a');
      assert.equal(known(table.identify(14, 5 * S)).serviceName, 'b');
    }
  });

  it('takes no process for the parent that only got the parent’s number later', () => {
    const { table, clock } = makeTable();
    table.onFork(11, 5 * S, 10, 4 * S);
    table.onProcess(10, 7 * S, exec('stranger'));
    table.onProcess(12, 6 * S, { ...exec('stranger', { parent: 10 }), source: 'scan' });
    clock(103 * S);
    assert.equal(known(table.identify(11, 5 * S)).serviceName, 'unknown_service');
    assert.notEqual(table.identify(12, 6 * S), table.identify(10, 7 * S));
    table.onProcess(20, 7 * S, exec('later'));
    table.onFork(21, 7 * S, 20, 6 * S);
    assert.equal(table.identify(21, 7 * S), 'pending');
  });

  it('finds the parent of a child whose fork was told before the scan came to the parent', () => {
    const { table } = makeTable();
    table.onFork(11, 5 * S, 10, 4 * S + 3);
    table.onProcess(10, 4 * S, { ...exec('daemon'), source: 'scan' });
    assert.equal(table.identify(11, 5 * S), table.identify(10, 4 * S));
  });

  it('waits two seconds for a process it has never heard of, then says that it does not know', () => {
    const { table, clock } = makeTable();
    assert.equal(table.identify(10, 5 * S), 'pending');
    clock(101.9 * S);
    assert.equal(table.identify(10, 5 * S), 'pending');
    clock(102 * S);
    assert.equal(known(table.identify(10, 5 * S)).serviceName, 'unknown_service');
    assert.equal(table.guessed, 1);
    table.onProcess(10, 5 * S, exec('curl'));
    assert.equal(known(table.identify(10, 5 * S)).serviceName, 'curl');
  });

  it('waits for a file that a name may stand in, and no longer than it takes', () => {
    const { table, clock } = makeTable();
    const facts = exec('node', { argv: ['node', 'server.js'], cwd: '/srv/x' });
    table.onProcess(10, 5 * S, facts);
    table.onProcess(11, 5 * S, facts);
    assert.equal(table.identify(10, 5 * S), 'pending');
    table.onProcess(10, 5 * S, {
      source: 'late',
      files: { 'package.name': 'orders', 'package.version': '1.2.3' },
    });
    const named = known(table.identify(10, 5 * S));
    assert.equal(named.serviceName, 'orders');
    assert.equal(named.attributes['service.version'], '1.2.3');
    assert.equal(table.identify(11, 5 * S), 'pending');
    clock(102 * S);
    assert.equal(known(table.identify(11, 5 * S)).serviceName, 'server');
  });

  it('waits from when it is asked, and for the file even where somebody was told meanwhile what was known', () => {
    const { table, clock } = makeTable();
    table.onProcess(10, 5 * S, exec('node', { argv: ['node', 'server.js'] }));
    assert.equal(table.identifyNow(10, 5 * S).serviceName, 'server');
    clock(110 * S);
    assert.equal(table.identify(10, 5 * S), 'pending');
    assert.equal(table.identifyLatest(10), 'pending');
    clock(111.9 * S);
    assert.equal(table.identify(10, 5 * S), 'pending');
    table.onProcess(10, 5 * S, { source: 'late', files: { 'package.name': 'orders' } });
    assert.equal(known(table.identify(10, 5 * S)).serviceName, 'orders');
    assert.equal(table.identifyLatest(10), table.identify(10, 5 * S));
    assert.equal(table.identifyLatest(11), undefined);
    assert.equal(table.guessed, 0);
  });

  it('keeps the resource when late facts say nothing new', () => {
    const { table, clock } = makeTable();
    table.onProcess(10, 5 * S, exec('node', { argv: ['node', 'server.js'] }));
    assert.equal(table.identify(10, 5 * S), 'pending');
    clock(103 * S);
    const before = table.identify(10, 5 * S);
    table.onProcess(10, 5 * S, { source: 'late', files: {} });
    assert.equal(table.identify(10, 5 * S), before);
  });

  it('remembers a process, and its container, for a while after its end', () => {
    const { table, clock } = makeTable();
    const id = 'a1'.repeat(32);
    table.onProcess(10, 5 * S, exec('curl', { cgroup: `/docker/${id}` }));
    table.onExit(10, 5 * S, 101 * S);
    clock(160 * S);
    assert.equal(known(table.identify(10, 5 * S)).attributes['container.id'], id);
    clock(162 * S);
    assert.equal(table.size, 0);
  });

  it('keeps no more processes than it may, those that have ended first', () => {
    const { table } = makeTable({ maxProcesses: 100 });
    table.onProcess(1, S, exec('keeper'));
    for (let n = 0; n < 1000; n++) {
      table.onProcess(1000 + n, 5 * S, exec('short'));
      table.onExit(1000 + n, 5 * S, 100 * S);
    }
    assert.ok(table.size <= 100);
    assert.ok(table.evicted >= 900);
    assert.equal(known(table.identify(1, S)).serviceName, 'keeper');
    for (let n = 0; n < 1000; n++) table.onFork(5000 + n, 6 * S, 4000 + n, 5 * S);
    assert.ok(table.size <= 100);
  });

  it('describes a service instance by the semantic conventions', () => {
    const { table } = makeTable();
    const facts = exec('java', {
      ...{
        exe: '/usr/lib/jvm/bin/java',
        argv: ['java', '-jar', 'checkout-1.0.jar'],
        uid: 1000,
        user: 'shop',
      },
      ...{
        cgroup: `/kubepods/burstable/pod3d5a9b7e-08c1-4a52-9f0e-6f4b2c1d7e90/${'a1'.repeat(32)}`,
        parent: 1,
      },
      environ: {
        OTEL_RESOURCE_ATTRIBUTES: 'service.version=2.0,team=a%20b,telemetry.sdk.language=nodejs,bad=%zz',
        POD_NAMESPACE: 'shop',
      },
      files: {},
    });
    table.onProcess(10, 50 * S, facts);
    const { attributes } = known(table.identify(10, 50 * S));
    const { 'service.instance.id': instance, ...rest } = attributes;
    assert.match(String(instance), /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.deepEqual(rest, {
      'service.name': 'checkout',
      'service.namespace': 'shop',
      'service.version': '2.0',
      team: 'a b',
      'undertrace.service.name.source': 'java',
      'process.pid': 10,
      'process.parent_pid': 1,
      'process.creation.time': '2027-01-15T07:59:10.000Z',
      'process.executable.name': 'java',
      'process.executable.path': '/usr/lib/jvm/bin/java',
      'process.command': 'java',
      'process.owner': 'shop',
      'process.runtime.name': 'java',
      'container.id': 'a1'.repeat(32),
      'k8s.pod.uid': '3d5a9b7e-08c1-4a52-9f0e-6f4b2c1d7e90',
      'k8s.namespace.name': 'shop',
      'host.name': 'thishost',
      'host.id': 'd0f7c0de',
      'host.arch': 'amd64',
      'os.type': 'linux',
      'os.version': '12',
      'telemetry.distro.name': 'undertrace',
      'telemetry.distro.version': '0.1.0',
    });
  });

  it('gives an instance the same id after a restart of the agent, from exec or from a scan', () => {
    const ids = [5 * S + 1234567, 5 * S].map((startNs) => {
      const { table } = makeTable();
      table.onProcess(10, startNs, exec('curl'));
      return known(table.identify(10, startNs)).attributes['service.instance.id'];
    });
    assert.equal(ids[0], ids[1]);
  });

  it('renames services when the configuration does', () => {
    const { table } = makeTable({ overrides: [{ name: 'one', executable: 'curl' }] });
    table.onProcess(10, 5 * S, exec('curl'));
    assert.equal(known(table.identify(10, 5 * S)).serviceName, 'one');
    table.overrides = [{ name: 'two', executable: 'curl' }];
    assert.equal(known(table.identify(10, 5 * S)).serviceName, 'two');
    table.overrides = [];
    assert.equal(known(table.identify(10, 5 * S)).serviceName, 'curl');
  });

  it('shows filters a process with all its ancestors', () => {
    const { table } = makeTable();
    table.onProcess(10, 5 * S, exec('a', { parent: 1 }));
    table.onProcess(11, 5 * S, exec('b', { parent: 10, netns: 7 }));
    table.onFork(12, 5 * S, 11, 5 * S);
    const view = table.view(12, 5 * S);
    assert.deepEqual(view?.ancestors, [11, 10, 1]);
    assert.equal(view?.executable, '/usr/bin/b');
    assert.equal(view?.netns, 7);
    assert.equal(table.view(99, 1), undefined);
    table.onProcess(20, 5 * S, exec('c'));
    assert.equal(table.view(12, 5 * S), view);
    table.onProcess(1, S, exec('init', { parent: 0 }));
    table.onProcess(10, 5 * S, exec('other', { parent: 20 }));
    assert.deepEqual(table.view(12, 5 * S)?.ancestors, [11, 10, 20]);
  });
});
