import assert from 'node:assert/strict';
import type { Agent } from '../../src/agent.ts';
import { createLog } from '../../src/base/log.ts';
import { reloadInto } from '../../src/commands/reload.ts';
import { type SettingsOptions, loadSettings } from '../../src/config.ts';

const sourcesWith = (...sets: string[]): SettingsOptions => ({ env: {}, isTty: false, sets });

describe('commands/reload', () => {
  it('counts reloads that are used and reloads that are refused, and says which came last', () => {
    const lines: string[] = [];
    const log = createLog({ level: 'info', encoding: 'json', write: (line) => lines.push(line) });
    const startedAt = new Date(0);
    const given: number[] = [];
    const agent: Pick<Agent, 'settings' | 'reloads' | 'reconfigure'> = {
      settings: loadSettings(sourcesWith()),
      reloads: { succeeded: 0, failed: 0, lastSucceeded: true, lastAt: startedAt },
      reconfigure: (settings) => given.push(settings.receiver.sampler.ratio),
    };
    reloadInto(agent, { log, sources: sourcesWith('receivers.undertrace.sampler.ratio=0.5') });
    const { lastAt, ...used } = agent.reloads;
    assert.deepEqual(used, { succeeded: 1, failed: 0, lastSucceeded: true });
    assert.ok(lastAt > startedAt);
    for (let i = 0; i < 2; i++)
      reloadInto(agent, { log, sources: sourcesWith('receivers.undertrace.scan=maybe') });
    const { lastError, ...refused } = agent.reloads;
    assert.deepEqual(refused, { succeeded: 1, failed: 2, lastSucceeded: false, lastAt });
    assert.match(lastError!, /"maybe" is not allowed/);
    assert.deepEqual(given, [0.5]);
    assert.equal(lines.length, 3);
  });
});
