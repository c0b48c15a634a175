import assert from 'node:assert/strict';
import type { AgentStatus } from '../../src/serve/status.ts';
import { type Agent, sleep } from './agent.ts';

/**
 * The agent's books once they balance: some figures are a drain apart while records are on their way, so an imbalance must last to count.
 */
export async function balancedBooks(agent: Agent): Promise<AgentStatus> {
  let status = await agent.status();
  for (let tries = 0; !status.balanced && tries < 20; tries++) {
    await sleep(50);
    status = await agent.status();
  }
  assert.ok(status.balanced, `the books do not balance: ${JSON.stringify(status.books)}`);
  return status;
}
