/** What `main.ts` hands to the commands. Each command's module exports `run(options, settings)`, which resolves to the exit code. */
import type { RootLog } from '../base/log.ts';
import type { SettingsOptions } from '../config.ts';

export interface CommandOptions {
  /** To read the configuration again. */
  sources: SettingsOptions;
  log: RootLog;
}

export interface JsonOptions extends CommandOptions {
  json: boolean;
}

export interface AgentOptions extends JsonOptions {
  /** `host:port` of the running agent's listener; undefined: as configured. */
  endpoint: string | undefined;
}

export interface WhyOptions extends AgentOptions {
  pid: number | undefined;
  port: number | undefined;
}
