import assert from 'node:assert/strict';
import { type Agent, type Status, sleep } from './agent.ts';

/**
 * The agent's books once they balance: some figures are a drain apart while records are on their way, so an imbalance must last to count.
 */
export async function balancedBooks(agent: Agent): Promise<Status> {
  let status = await agent.status();
  for (let tries = 0; !status.ledger.balanced && tries < 20; tries++) {
    await sleep(50);
    status = await agent.status();
  }
  assert.ok(status.ledger.balanced, `the books do not balance: ${JSON.stringify(status.ledger)}`);
  return status;
}
