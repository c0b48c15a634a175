import { fileURLToPath } from 'node:url';

import { BenchAgent } from './agent.ts';
import { type Row, median } from './statistics.ts';
import { type Sample, runWrk, showSamples, startServer, sumOf } from './throughput.ts';

const ROUNDS = 6;
const FLOOR = 0.97;
const PORT = 18_089;
const SERVER = fileURLToPath(new URL('../../test/workload/node/server.mjs', import.meta.url));

/** Requests a second that a traced Node server answers, with the turns of its event loop watched and without, in turn. */
export async function benchTurns(): Promise<Row[]> {
  const stop = await startServer(process.execPath, [SERVER, `127.0.0.1:${PORT}`], PORT);
  const measure = (): Sample => runWrk(`http://127.0.0.1:${PORT}/w/bench/1`);
  const samples: Record<string, Sample[]> = { on: [], off: [] };
  const ratios: number[] = [];
  measure(); // warm up
  for (let round = 0; round < ROUNDS; round++) {
    const found: Record<string, Sample[]> = {};
    for (const turns of round % 2 === 0 ? [true, false] : [false, true]) {
      const agent = await BenchAgent.start(undefined, { link: { turns } });
      measure(); // V8 compiles what runs often
      found[turns ? 'on' : 'off'] = [measure(), measure()];
      await agent.stop();
    }
    for (const key of ['on', 'off']) samples[key]!.push(...found[key]!);
    ratios.push(sumOf(found.on!) / sumOf(found.off!));
  }
  await stop();
  const ratio = median(ratios);
  return [
    {
      what: 'a traced Node server, keep-alive, 16 connections: turns watched or not',
      without: showSamples(samples.off!),
      with: showSamples(samples.on!),
      change: `${(ratio * 100).toFixed(1)} %`,
      bound: `≥ ${FLOOR * 100} %`,
      met: ratio >= FLOOR,
    },
  ];
}
