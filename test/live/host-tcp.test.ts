/** TCP connections as the host's eBPF probes count them, beside what the programs and the kernel's own counters say. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { LoneNamespace } from '../support/netns.ts';
import { assertWithin, type Labels, Probed } from '../support/probed.ts';
import { needRoot } from '../support/programs.ts';

describe('the host’s TCP probe in eBPF', function () {
  this.timeout(60_000);
  const children: ChildProcess[] = [];
  let probed: Probed;
  let netns: LoneNamespace;
  let peer: LoneNamespace;

  before(function () {
    needRoot(this);
    probed = new Probed();
    netns = LoneNamespace.create(this);
    peer = LoneNamespace.create(this);
    netns.join(peer, ['10.214.0.1/24'], ['10.214.0.2/24']);
  });

  after(() => {
    for (const child of children) child.kill('SIGKILL');
    probed?.kernel.close();
    netns?.remove();
    peer?.remove();
  });

  /** A program of Node in a namespace, that goes on at each line it is sent and answers with one. */
  function play(where: LoneNamespace, script: string): ChildProcess {
    const [command, ...args] = where.wrap;
    const child = spawn(command!, [...args, process.execPath, '--input-type=module', '--eval', script], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    children.push(child);
    return child;
  }

  /** Sends it a line, and gives back the answer. */
  async function say(child: ChildProcess, line: string): Promise<string> {
    child.stdin!.write(`${line}\n`);
    const [answer] = (await once(child.stdout!.setEncoding('utf8'), 'data')) as [string];
    return answer.trim();
  }

  const SERVER = `
    import { createServer } from 'node:net';
    import { createInterface } from 'node:readline';
    createInterface({ input: process.stdin }).on('line', (address) => {
      const server = createServer((socket) => {
        socket.on('error', () => {}).on('data', () => {}).on('end', () => socket.end('y'.repeat(5000)));
      });
      server.listen(Number(process.env.PORT ?? 7000), address, () => console.log('listening'));
    });`;

  it('connections are opened, accepted and failed as the programs say, with their bytes and their peers', async () => {
    const server = play(netns, SERVER);
    const client = play(
      netns,
      `
      import { connect } from 'node:net';
      import { createInterface } from 'node:readline';
      const one = (port, host, ms) => new Promise((resolve) => {
        const socket = connect({ port, host, allowHalfOpen: true }, () => socket.end('x'.repeat(1000)));
        socket.on('data', () => {}).on('close', () => resolve()).on('error', () => {});
        if (ms) setTimeout(() => socket.destroy(), ms);
      });
      createInterface({ input: process.stdin }).on('line', async () => {
        for (let i = 0; i < 23; i++) await one(7000, '127.0.0.1');
        for (let i = 0; i < 7; i++) await one(7001, '127.0.0.1');
        for (let i = 0; i < 3; i++) await one(7000, '10.214.0.2', 50);
        console.log('done');
      });`,
    );
    peer.filter(
      `table inet undertrace { chain silence { type filter hook input priority 0; tcp dport 7000 drop; }; }`,
    );
    probed.observe({ answerer: [server.pid!], asker: [client.pid!] });
    await say(server, '0.0.0.0');
    await say(client, 'go');
    const figures = await probed.read();
    const asker = { 'service.name': 'asker', 'service.peer.name': 'answerer' };
    const answerer = { 'service.name': 'answerer', 'service.peer.name': '' };
    const of = (name: string, labels: Labels): number =>
      figures.sum(`system.network.connection.${name}`, labels);
    assert.equal(of('opened', asker), 23);
    assert.equal(of('accepted', answerer), 23);
    assert.equal(of('opened', { 'service.name': 'asker' }), 23);
    const failed = (error: string): number => of('failed', { 'service.name': 'asker', 'error.type': error });
    assert.deepEqual([failed('ECONNREFUSED'), failed('cancelled')], [7, 3]);
    const connect = figures.histogram('system.network.connection.connect.duration', asker)!;
    assert.equal(connect.count, 23);
    const io = (labels: Labels, direction: string): number =>
      of('io', { ...labels, 'network.io.direction': direction });
    assert.deepEqual(
      [io(asker, 'transmit'), io(asker, 'receive'), io(answerer, 'receive'), io(answerer, 'transmit')],
      [23_000, 115_000, 23_000, 115_000],
    );
    assert.ok(figures.histogram('system.network.connection.round_trip.duration', asker)!.count >= 23);
  });

  it('resets are those that a program sends, and the other one gets', async () => {
    const server = play(
      netns,
      `
      import { createServer } from 'node:net';
      import { createInterface } from 'node:readline';
      createInterface({ input: process.stdin }).on('line', (address) => {
        const server = createServer((socket) => socket.on('error', () => {}).write('y'));
        server.listen(7003, address, () => console.log('listening'));
      });`,
    );
    const client = play(
      netns,
      `
      import { connect } from 'node:net';
      import { createInterface } from 'node:readline';
      const one = (end) => new Promise((resolve) => {
        const socket = connect({ port: 7003, host: '127.0.0.1' });
        socket.on('data', () => socket[end]()).on('close', () => resolve());
      });
      createInterface({ input: process.stdin }).on('line', async () => {
        for (let i = 0; i < 11; i++) await one('resetAndDestroy'); // SO_LINGER of 0
        for (let i = 0; i < 5; i++) await one('end');
        console.log('done');
      });`,
    );
    probed.observe({ reset: [server.pid!], resetter: [client.pid!] });
    await say(server, '127.0.0.1');
    await say(client, 'go');
    const figures = await probed.read();
    const of = (service: string, direction: string): number =>
      figures.sum('system.network.connection.resets', {
        'service.name': service,
        'network.io.direction': direction,
      });
    assert.deepEqual(
      ['resetter', 'reset'].map((service) => [of(service, 'transmit'), of(service, 'receive')]),
      [
        [11, 0],
        [0, 11],
      ],
    );
    assert.equal(figures.sum('system.network.connection.opened', { 'service.name': 'resetter' }), 16);
  });

  it('retransmits under loss are those of the kernel’s own count', async () => {
    peer.filter(
      `table inet undertrace { chain loss { type filter hook prerouting priority -300; tcp dport 7002 numgen random mod 100 < 5 drop; }; }`,
    );
    const server = play(peer, SERVER.replace('7000', '7002'));
    const client = play(
      netns,
      `
      import { connect } from 'node:net';
      import { createInterface } from 'node:readline';
      createInterface({ input: process.stdin }).on('line', () => {
        const socket = connect({ port: 7002, host: '10.214.0.2', allowHalfOpen: true });
        socket.on('data', () => {}).on('close', () => console.log('done')).end(Buffer.alloc(20 << 20));
      });`,
    );
    probed.observe({ lossy: [client.pid!] });
    await say(server, '0.0.0.0');
    const counted = (): number => {
      const [command, ...args] = netns.wrap;
      const text = execFileSync(command!, [...args, 'nstat', '--json', '--zeros', '--ignore', '--noupdate'], {
        encoding: 'utf8',
      });
      return (JSON.parse(text) as { kernel: Record<string, number> }).kernel.TcpRetransSegs!;
    };
    const before = counted();
    await say(client, 'go');
    const truth = counted() - before;
    const figures = await probed.read();
    assert.ok(truth > 100, `${truth} segments were lost`);
    const found = figures.sum('system.network.connection.retransmits', { 'service.name': 'lossy' });
    assertWithin(found, truth, 0.01, 'segments sent again');
  });
});
