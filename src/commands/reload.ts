import type { Agent } from '../agent.ts';
import { reload } from '../config.ts';
import type { CommandOptions } from './options.ts';

/** A configuration that is wrong changes nothing; the metric and the log say so. */
export function reloadInto(
  agent: Pick<Agent, 'settings' | 'reloads' | 'reconfigure'>,
  { log, sources }: CommandOptions,
): void {
  const outcome = reload(agent.settings, sources);
  agent.reloads.lastSucceeded = outcome.ok;
  if (!outcome.ok) {
    agent.reloads.failed++;
    agent.reloads.lastError = outcome.error;
    log.error({}, `configuration not reloaded, the old one stays in force: ${outcome.error}`);
    return;
  }
  agent.reloads.succeeded++;
  agent.reloads.lastAt = new Date();
  agent.reconfigure(outcome.settings);
  log.level = outcome.settings.telemetry.logs.level;
  const { applied, needRestart } = outcome;
  log.info({ applied }, 'configuration reloaded');
  if (needRestart.length > 0) log.warn({ needRestart }, 'these changes take effect at the next start');
}
