/**
 * Every client against every server: each request gives exactly one CLIENT and one SERVER span that say what the client planned, where it
 * went, and when, inside the times that the client took itself.
 */
import assert from 'node:assert/strict';
import { Agent } from '../support/agent.ts';
import { balancedBooks } from '../support/books.ts';
import { checkSpans, realtimeOffset } from '../support/check-spans.ts';
import { NetworkNamespace } from '../support/netns.ts';
import { needRoot } from '../support/programs.ts';
import {
  CLIENTS,
  makePlan,
  type Mode,
  type Program,
  runClient,
  RunningServer,
  Scratch,
  SERVERS,
} from '../support/workload.ts';

/** Requests a pair over 127.0.0.1, and over each other kind of address. */
const MANY = Number(process.env.UNDERTRACE_MATRIX_REQUESTS ?? 2000);
const FEW = 44;

interface Place {
  kind: string;
  base: string;
  address?: string;
  port?: number;
}

/** `127.0.0.1:80` and `[::1]:80` as address and port. */
function place(kind: string, listening: string, host?: string): Place {
  const port = Number(/\d+$/.exec(listening)![0]);
  const address = host ?? listening.slice(0, listening.lastIndexOf(':')).replace(/^\[|\]$/g, '');
  return { kind, base: `http://${address.includes(':') ? `[${address}]` : address}:${port}`, address, port };
}

let serial = 0;

describe('real clients and servers', function () {
  this.timeout(240_000);
  let agent: Agent;
  let netns: NetworkNamespace;
  const scratch = new Scratch();

  before(async function () {
    needRoot(this);
    netns = NetworkNamespace.create(this);
    // Whether everything is right is asked here, not how much load a ring bears: other work on the machine must not matter.
    agent = await Agent.start({ receiver: { ring_size: '64MiB' } });
  });

  after(async () => {
    netns?.remove();
    scratch.remove();
    const ended = await agent?.stop();
    if (ended) assert.deepEqual([ended.code, ended.ledger.balanced], [0, true], ended.stderr);
  });

  afterEach(async function () {
    if (this.currentTest?.state === 'failed' && agent) {
      process.stderr.write(`${JSON.stringify((await agent.status()).books)}\n`);
    }
  });

  /** One client in one mode at one place: run, wait for the spans, compare. */
  async function converse(
    context: Mocha.Context,
    client: Program,
    server: RunningServer & { program: Program },
    at: Place,
    mode: Mode,
    count: number,
  ): Promise<void> {
    const run = `${process.pid}-${serial++}`;
    const clientService = `client-${client.name}`;
    const plan = makePlan(run, count, mode, client, server.program);
    const offset = realtimeOffset();
    const log = await runClient(context, client, at.base, plan, mode, { scratch, service: clientService });
    const spans = await agent.spans(`/w/${run}/`, 2 * plan.length);
    checkSpans(spans, plan, log, {
      clientService,
      serverService: server.service,
      transport: at.kind === 'unix' ? 'unix' : 'tcp',
      peerAddress: at.address,
      peerPort: at.port,
      offset,
    });
  }

  for (const program of SERVERS) {
    describe(`${program.name} as the server`, () => {
      let local: RunningServer & { program: Program };
      let remote: RunningServer & { program: Program };
      let places: Place[];

      before(async function () {
        const socket = scratch.file(`${program.name}.sock`);
        const service = `server-${program.name}`;
        const addresses = ['127.0.0.1:0', '[::]:0', ...(program.unix ? [`unix:${socket}`] : [])];
        local = Object.assign(await RunningServer.start(this, program, addresses, { service }), { program });
        const inside = { service, wrap: netns.wrap };
        remote = Object.assign(await RunningServer.start(this, program, [`${netns.inside}:0`], inside), {
          program,
        });
        const [v4, v6] = local.listening as [string, string];
        places = [
          place('IPv6', v6, '::1'),
          place('an IPv4-mapped address', v6, '127.0.0.1'),
          ...(program.unix ? [{ kind: 'unix', base: `unix:${socket}` }] : []),
          place('IPv4', v4),
        ];
      });

      after(async () => {
        await local?.stop();
        await remote?.stop();
      });

      for (const client of CLIENTS) {
        it(`gives both spans of ${MANY} requests by ${client.name}`, async function () {
          const shares = client.modes!.map((mode) => client.modeShare?.[mode]);
          const given = shares.reduce<number>((sum, share) => sum + (share ?? 0), 0);
          const open = shares.filter((share) => share === undefined).length;
          for (const [i, mode] of client.modes!.entries()) {
            const count = Math.ceil(MANY * (shares[i] ?? (1 - given) / open));
            await converse(this, client, local, places.at(-1)!, mode, count);
          }
          await balancedBooks(agent);
        });

        it(`gives both spans over every other kind of address by ${client.name}`, async function () {
          // A mode an address, another one with every server: starting the clients is most of the work.
          const others = [...places.slice(0, -1), place('a network namespace', remote.listening[0]!)];
          for (const [i, at] of others.entries()) {
            if (at.kind === 'unix' && !client.unix) continue;
            const mode = client.modes![(i + SERVERS.indexOf(program)) % client.modes!.length]!;
            await converse(this, client, others.at(-1) === at ? remote : local, at, mode, FEW);
          }
          await balancedBooks(agent);
        });
      }
    });
  }
});
