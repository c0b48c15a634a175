/** What the kernel delivered, kept in a file: the whole of the traffic can be looked at again elsewhere. */
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { Agent } from '../support/agent.ts';
import type { ReceivedSpan } from '../support/otlp-proto.ts';
import { needRoot } from '../support/programs.ts';
import { Recorder, replay } from '../support/recording.ts';
import {
  byName,
  C_CLIENT,
  C_SERVER,
  CLIENTS,
  makePlan,
  NODE_SERVER,
  type Program,
  runClient,
  RunningServer,
  Scratch,
  SERVERS,
} from '../support/workload.ts';

/** Two agents read the machine's clocks at different moments. */
const CLOCKS_APART_NS = 1_000_000n;

describe('a recording', function () {
  this.timeout(60_000);
  const scratch = new Scratch();
  const recorders: Recorder[] = [];
  const servers: RunningServer[] = [];
  let agent: Agent | undefined;

  before(function () {
    needRoot(this);
  });

  afterEach(async () => {
    agent?.kill('SIGKILL');
    await agent?.ended();
    agent = undefined;
    for (const recorder of recorders.splice(0)) recorder.kill();
    for (const server of servers.splice(0)) await server.stop();
  });

  after(() => scratch.remove());

  async function record(file: string, ...args: string[]): Promise<Recorder> {
    const recorder = await Recorder.start(file, ...args);
    recorders.push(recorder);
    return recorder;
  }

  async function startServer(context: Mocha.Context, program: Program): Promise<string> {
    const server = await RunningServer.start(context, program, ['127.0.0.1:0'], { service: program.name });
    servers.push(server);
    return `http://${server.listening[0]}`;
  }

  it('replays to the spans that the agent made of the same traffic, every time', async function () {
    const file = scratch.file('recording');
    agent = await Agent.start();
    const recorder = await record(file);
    const run = `recording-${process.pid}`;
    const pairs = [
      [C_CLIENT, NODE_SERVER],
      [byName(CLIENTS, 'curl'), C_SERVER],
      [byName(CLIENTS, 'python-urllib'), byName(SERVERS, 'go')],
    ] as const;
    let planned = 0;
    for (const [client, program] of pairs) {
      const plan = makePlan(`${run}/${client.name}`, 100, 'close', client, program);
      await runClient(this, client, await startServer(this, program), plan, 'close', { scratch });
      planned += plan.length;
    }
    const live = await agent.spans(`/w/${run}/`, 2 * planned);
    assert.equal(live.length, 2 * planned);
    await agent.stop();
    await recorder.stop();

    const replayed = await replay(file);
    assert.deepEqual(bySpanId(await replay(file)), bySpanId(replayed));
    const found = bySpanId(replayed);
    for (const span of live) {
      const again = found.get(span.spanId)!;
      assert.ok(again, `${span.name} is missing in the replay`);
      for (const time of ['start', 'end'] as const) {
        const apart = BigInt(again[time]) - BigInt(span[time]);
        assert.ok(apart < CLOCKS_APART_NS && -apart < CLOCKS_APART_NS, `${time} of ${span.name}: ${apart}`);
      }
      assert.deepEqual(withoutTimes(again), withoutTimes(span));
    }
  });

  it('is for its owner only, and has nothing of what was said where that is asked for', async function () {
    const base = await startServer(this, C_SERVER);
    for (const [args, kept] of [
      [[], true],
      [['--no-payload'], false],
    ] as const) {
      const file = scratch.file(`secret-${kept}`);
      const recorder = await record(file, ...args);
      const run = `secret-${process.pid}-${kept}`;
      const plan = makePlan(run, 5, 'keepalive', C_CLIENT, C_SERVER);
      await runClient(this, C_CLIENT, base, plan, 'keepalive', { scratch });
      await recorder.stop();
      assert.equal(statSync(file).mode & 0o777, 0o600);
      assert.equal(readFileSync(file).includes(` /w/${run}/`), kept);
    }
  });
});

function bySpanId(spans: readonly ReceivedSpan[]): Map<string, ReceivedSpan> {
  return new Map(spans.map((span) => [span.spanId, span]));
}

function withoutTimes(span: ReceivedSpan): ReceivedSpan {
  return { ...span, start: '', end: '' };
}
