import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';

import { BenchAgent, METRICS_PORT } from './agent.ts';
import { endWithUs } from './children.ts';
import { type Row, median } from './statistics.ts';
import { runWrk, startNginx } from './throughput.ts';

const PORT = 18_089;
const ROUNDS = 3;
const RUNS = 3;
/** What the agent may take of a core: a fifth, or less, of what it would take of this load. */
const LIMIT = 0.1;
const FLOOR = 0.9;
const MOST = 1.2;
/** Until the governor has found its step. */
const SETTLE_MS = 15_000;
/** A scrape costs, too. */
const LOOK_MS = 5000;

/** A host that is asked for more than the agent may take: its throughput beside that without the agent, and what the agent takes. */
export async function benchOverload(): Promise<Row[]> {
  const stop = await startNginx(PORT);
  const url = `http://127.0.0.1:${PORT}/x`;
  runWrk(url);
  const rates = { without: [] as number[], with: [] as number[] };
  const taken: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (let run = 0; run < RUNS; run++) rates.without.push(runWrk(url).perSecond);
    const agent = await BenchAgent.start(undefined, { limits: { cpu: LIMIT } });
    const load = endWithUs(spawn('wrk', ['-t1', '-c16', '-d1h', url], { stdio: 'ignore' }));
    await setTimeout(SETTLE_MS);
    taken.push(await shareOf(agent));
    load.kill('SIGKILL');
    await once(load, 'exit');
    for (let run = 0; run < RUNS; run++) rates.with.push(runWrk(url).perSecond);
    await agent.stop();
  }
  await stop();
  const ratio = median(rates.with) / median(rates.without);
  const share = median(taken);
  return [
    {
      what: `nginx at full speed, an agent that may take ${LIMIT} of a core: requests`,
      without: `${median(rates.without).toFixed(0)}/s`,
      with: `${median(rates.with).toFixed(0)}/s`,
      change: `${(ratio * 100).toFixed(1)} %`,
      bound: `≥ ${FLOOR * 100} %`,
      met: ratio >= FLOOR,
    },
    {
      what: 'the same: share of a core that the agent takes, with its programs in the kernel',
      without: '',
      with: share.toFixed(3),
      change: '',
      bound: `≤ ${(LIMIT * MOST).toFixed(2)}`,
      met: share <= LIMIT * MOST,
    },
  ];
}

/** Over the time of some runs of the load: CPU time of the process, and the mean of what its programs took in the samples. */
async function shareOf(agent: BenchAgent): Promise<number> {
  const before = agent.figures().cpuSeconds;
  const startedAt = performance.now();
  const programs: number[] = [];
  while (performance.now() - startedAt < SETTLE_MS) {
    await setTimeout(LOOK_MS);
    const page = await (await fetch(`http://127.0.0.1:${METRICS_PORT}/metrics`)).text();
    programs.push(Number(/^undertrace_cpu_utilization_ratio\{part="programs"\} (\S+)/m.exec(page)![1]));
  }
  const own = (agent.figures().cpuSeconds - before) / ((performance.now() - startedAt) / 1000);
  return own + programs.reduce((sum, share) => sum + share, 0) / programs.length;
}
