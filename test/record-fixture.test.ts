import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { execFile } from 'node:child_process';
import { pcap, FLAGS, Talk, udp, v4, at } from './support/packets.ts';
import { inCheckout, needCommand, needMachine } from './support/programs.ts';
import { conversationsOf, formatWire, spansOf, type Conversation } from './support/wire-writer.ts';
import { readWires, type Wire } from './support/wire.ts';

const run = promisify(execFile);

describe('record-fixture', function () {
  this.timeout(60_000);
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'undertrace-fixture-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function readBack(): Wire[] {
    return readWires(pathToFileURL(`${folder}/`));
  }

  it('writes text that reads as the bytes it was made of', () => {
    const every = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    const body = Buffer.concat([
      Buffer.from('<a "b\\" \\u0041>'),
      Buffer.alloc(5000, '"'),
      Buffer.alloc(999, 'y'),
    ]);
    const steps: Conversation['steps'] = [
      { from: 'client', bytes: every },
      { from: 'server', bytes: body },
      { from: 'client', bytes: Buffer.alloc(1000, 'z') },
      { from: 'server', how: 'close' },
    ];
    const spans = [{ name: 'GET', 'a.b': ['c'] }];
    const text = formatWire('product 1.0', { transport: 'tcp', port: 81, steps, incomplete: false }, spans);
    writeFileSync(path.join(folder, 'x.wire'), text);
    const [wire] = readBack();
    const said = (from: string, of: Wire['steps']): Buffer =>
      Buffer.concat(of.filter((step) => step.bytes && step.from === from).map(({ bytes }) => bytes!));
    for (const from of ['client', 'server']) assert.deepEqual(said(from, wire!.steps), said(from, steps));
    assert.deepEqual(wire!.steps.at(-1), { from: 'server', how: 'close' });
    assert.deepEqual(wire!.spans, spans);
    assert.deepEqual(
      text.split('\n').filter((line) => /^[<>]\*/.test(line)),
      ['<* 5000 "', '>* 1000 z'],
    );
    assert.match(text, /^# product 1\.0\n# port 81\n> \\u0000/);
  });

  it('has a step for each segment, and one for what the interface cut', () => {
    const talk = new Talk()
      .handshake()
      .client('one')
      .client('two')
      .server('x'.repeat(20_000))
      .server('rest')
      .server('more');
    const [conversation] = conversationsOf(pcap(talk.close().packets), 8080);
    const steps = conversation!.steps.map(({ from, bytes, how }) => `${from} ${bytes?.length ?? how}`);
    assert.deepEqual(steps, ['client 3', 'client 3', 'server 20004', 'server 4', 'client close']);
    const ends = [
      new Talk().handshake().client('a').server('b', FLAGS.fin).client('', FLAGS.fin),
      new Talk().handshake().client('a').packet(true, FLAGS.rst),
    ].map(({ packets }) => conversationsOf(pcap(packets), 8080)[0]!.steps.at(-1));
    assert.deepEqual(ends, [
      { from: 'server', how: 'close' },
      { from: 'client', how: 'reset' },
    ]);
  });

  it('says which conversations are not whole, and leaves out those of other ports', () => {
    const joined = new Talk().client('in the middle');
    assert.equal(conversationsOf(pcap(joined.packets), 8080)[0]!.incomplete, true);
    assert.deepEqual(conversationsOf(pcap(joined.packets), 80), []);
  });

  it('has a step for each datagram, whatever the port looks like', () => {
    const packet = (ports: [number, number], text: string): Buffer =>
      v4('127.0.0.1', '127.0.0.1', 17, udp(ports, Buffer.from(text)));
    const packets = [packet([30_000, 50_000], 'ask'), packet([50_000, 30_000], 'answer')];
    const [conversation] = conversationsOf(pcap(packets.map((bytes, i) => ({ ...at(i), bytes }))), 50_000);
    assert.equal(conversation!.transport, 'udp');
    assert.deepEqual(
      conversation!.steps.map(({ from, bytes }) => `${from} ${Buffer.from(bytes!).toString()}`),
      ['client ask', 'server answer'],
    );
    assert.match(
      formatWire('p 1', conversation!, spansOf(conversation!)),
      /^# p 1\n# udp\n# port 50000\n> ask\n/,
    );
  });

  /** Runs the script on a port with a command. */
  async function record(port: number, ...command: string[]): Promise<string> {
    const args = ['--protocol', 'x', '--name', 'try', '--port', `${port}`, '--title', 'p 1', '--out', folder];
    const script = ['--import', 'tsx', inCheckout('scripts', 'record-fixture.ts'), ...args, '--', ...command];
    const { stderr } = await run(process.execPath, script);
    return stderr;
  }

  it('records what crosses a port of the loopback interface', async function () {
    needMachine(this, process.getuid?.() === 0, 'not root: packets cannot be captured');
    needCommand(this, 'tcpdump', 'fixtures are recorded with it');
    const server = createServer((request, response) =>
      request.resume().on('end', () => response.end('got it')),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const base = `http://127.0.0.1:${port}`;
    const client = `
      for (const path of ['/one', '/two']) await (await fetch('${base}' + path, { method: 'POST', body: '"' })).text();
      await (await fetch('${base}/three', { headers: { connection: 'close', traceparent: '00-${'a'.repeat(32)}-${'b'.repeat(16)}-01' } })).text();`;
    await record(port, process.execPath, '--input-type=module', '-e', client);
    server.close();
    server.closeAllConnections();
    const wires = readBack();
    const told = wires.flatMap(({ spans }) =>
      spans.map((span) => `${String(span['url.path'])} ${String(span['http.response.status_code'])}`),
    );
    assert.deepEqual(told.sort(), ['/one 200', '/three 200', '/two 200']);
    const three = wires.flatMap(({ spans }) => spans).find((span) => span['url.path'] === '/three')!;
    assert.match(String(three['context.traceparent']), /^00-a{32}/);
    assert.equal(
      wires.every(({ steps }) => steps.at(-1)!.how !== undefined),
      true,
    );
  });

  it('records datagrams, and says where nothing crossed or the command failed', async function () {
    needMachine(this, process.getuid?.() === 0, 'not root: packets cannot be captured');
    needCommand(this, 'tcpdump', 'fixtures are recorded with it');
    const server = createSocket('udp4');
    server.on('message', (message, { port }) => server.send(`got ${message.toString()}`, port));
    server.bind(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address();
    const client = `const s = require('dgram').createSocket('udp4');
      s.send('hello', ${port}, '127.0.0.1'); s.on('message', () => process.exit());`;
    await record(port, process.execPath, '-e', client);
    server.close();
    assert.deepEqual(readdirSync(folder), ['try.wire']);
    assert.equal(
      readFileSync(path.join(folder, 'try.wire'), 'utf8'),
      `# p 1\n# udp\n# port ${port}\n> hello\n< got hello\n`,
    );
    await assert.rejects(record(port, 'true'), {
      stderr: `nothing with data crossed port ${port} of the loopback\n`,
    });
    await assert.rejects(record(port, 'false'), { stderr: 'false ended with 1\n' });
    const usage = spawnSync(
      process.execPath,
      ['--import', 'tsx', inCheckout('scripts', 'record-fixture.ts')],
      { encoding: 'utf8' },
    );
    assert.match(usage.stderr, /^npm run record-fixture -- --protocol/);
  });
});
