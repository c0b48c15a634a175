import { Agent } from '../agent.ts';
import { UserError, messageOf } from '../base/errors.ts';
import type { Settings } from '../base/settings.ts';
import { printBooks } from './books.ts';
import { firstScreen } from './first-screen.ts';
import type { CommandOptions } from './options.ts';
import { yieldToHost } from './process-limits.ts';
import { reloadInto } from './reload.ts';
import { Telemetry } from '../telemetry.ts';
import { onHangup, untilStopped } from './signals.ts';

/** Traces the machine until SIGTERM or SIGINT; SIGHUP reads the configuration again, unless it tells that the terminal is gone. */
export async function run(options: CommandOptions, settings: Settings): Promise<number> {
  const { log } = options;
  if (process.platform !== 'linux')
    throw new UserError('not_linux', `Undertrace traces Linux hosts; this is ${process.platform}`);
  if (settings.disabled) {
    log.warn({}, 'OTEL_SDK_DISABLED is true: nothing is traced');
    return 0;
  }
  const stopped = untilStopped();
  const agent = await Agent.create(settings, log);
  const telemetry = new Telemetry();
  await telemetry.start(agent, log);
  agent.start();
  try {
    yieldToHost();
  } catch (error) {
    log.warn({ error: messageOf(error) }, 'the priority of this process could not be lowered');
  }
  process.stderr.write(firstScreen(agent, telemetry.pushes));
  onHangup({ reload: () => reloadInto(agent, options), stop: () => stopped.stop() });
  await stopped;
  const deadlineMs = performance.now() + agent.settings.receiver.shutdownTimeoutMs;
  const left = (): number => Math.max(0, deadlineMs - performance.now());
  await agent.stop(left());
  await telemetry.close(left());
  printBooks(agent.ledger);
  log.flush();
  return 0;
}
