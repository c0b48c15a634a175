/** A test that fails leaves the agent that it has started behind, which would trace, and slow down, all that comes after it. */
import { Agent } from '../support/agent.ts';

let before: ReadonlySet<Agent> = new Set();

export const mochaHooks: Mocha.RootHookObject = {
  beforeEach() {
    before = new Set(Agent.running);
  },
  async afterEach(this: Mocha.Context) {
    if (this.currentTest?.state !== 'failed') return;
    for (const agent of Agent.running) if (!before.has(agent)) await agent.abandon();
  },
};
