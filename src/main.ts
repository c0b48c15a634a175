#!/usr/bin/env node
/** The command line: arguments, settings, exit codes. What a command does is in its own file in commands/, loaded when it is asked for. */
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { nearest } from './base/config/nearest.ts';
import { messageOf, UserError } from './base/errors.ts';
import { createLog } from './base/log.ts';
import type { Settings } from './base/settings.ts';
import type { CommandOptions } from './commands/options.ts';
import { endIfHungUp } from './commands/signals.ts';
import { loadSettings, type SettingsOptions } from './config.ts';
import { VERSION } from './base/version.ts';

/** A module of commands/, with what the command line adds to its options. */
interface CommandModule<Options extends CommandOptions> {
  run(options: Options, settings: Settings): Promise<number> | number;
}

interface Globals {
  config?: string[];
  set?: string[];
}

interface Invocation {
  exitCode: number;
  /** Whether a stack trace is wanted for an error that nobody foresaw. */
  debug: boolean;
}

const invocation: Invocation = { exitCode: 0, debug: process.env.OTEL_LOG_LEVEL?.toLowerCase() === 'debug' };

const program = new Command('undertrace')
  .description('OpenTelemetry spans from network system calls, without touching the applications.')
  .version(`undertrace ${VERSION}`, '-V, --version', 'print the version')
  .helpOption('-h, --help', 'print this help')
  .helpCommand('help [command]', 'print the help of a command')
  .configureHelp({ showGlobalOptions: true })
  .option(
    '--config <source>',
    'configuration: a path, file:path, env:NAME or yaml:text; several are merged',
    collect,
  )
  .option(
    '--set <key=value>',
    'one setting, such as receivers.undertrace.drain_interval=20ms; several',
    collect,
  )
  .showSuggestionAfterError()
  .exitOverride();

addCommand('run', 'trace this machine until SIGTERM or Ctrl-C (the default)', { isDefault: true }).action(
  async (_own: object, command: Command) => {
    (await import('./commands/process-limits.ts')).limitProcess();
    return execute(command, () => import('./commands/run.ts'), {});
  },
);

addAgentOptions(
  addCommand('status', 'what the running agent sees: per process and port, and what is lost'),
).action((own: { json?: true; endpoint?: string }, command: Command) =>
  execute(command, () => import('./commands/status.ts'), agentOptions(own)),
);

addAgentOptions(addCommand('why', 'why there is no span of a process or a port'))
  .option('--pid <number>', 'process id', wholeNumber(1, 2 ** 22))
  .option('--port <number>', "server's port", wholeNumber(1, 65_535))
  .action((own: { json?: true; endpoint?: string; pid?: number; port?: number }, command: Command) =>
    execute(command, () => import('./commands/why.ts'), {
      ...agentOptions(own),
      pid: own.pid,
      port: own.port,
    }),
  );

addCommand('validate', 'check the configuration; exit code 0 or 1').action((_own: object, command: Command) =>
  execute(command, () => import('./commands/validate.ts'), {}),
);

addCommand('print-config', 'every effective value and where it comes from; secrets are hidden')
  .option('--json', 'as JSON')
  .action((own: { json?: true }, command: Command) =>
    execute(command, () => import('./commands/print-config.ts'), { json: own.json === true }),
  );

addCommand('components', 'backends, protocols, exporters and extensions that are built in')
  .option('--json', 'as JSON')
  .action((own: { json?: true }, command: Command) =>
    execute(command, () => import('./commands/components.ts'), { json: own.json === true }),
  );

addCommand('doctor', 'what this machine can do: pass, fail or not available here, with the remedy')
  .option('--json', 'as JSON')
  .action((own: { json?: true }, command: Command) =>
    execute(command, () => import('./commands/doctor.ts'), { json: own.json === true }),
  );

addCommand('record', 'write what the kernel delivers to a file (mode 0600)')
  .argument('<file>', 'the file to write')
  .option('--no-payload', 'without the bytes that were sent and received')
  .action((file: string, own: { payload: boolean }, command: Command) =>
    execute(command, () => import('./commands/record.ts'), { file, payload: own.payload }),
  );

addCommand(
  'replay',
  'the whole pipeline from a recording or a packet capture; needs no kernel and no privilege',
)
  .argument('<file>', 'a file written by record, or pcap or pcapng (may be gzip) as tcpdump writes it')
  .option('--json', 'each span as a line of JSON on standard output, and nothing to the exporters')
  .action(async (file: string, own: { json?: true }, command: Command) => {
    (await import('./commands/process-limits.ts')).makeRoom();
    return execute(command, () => import('./commands/replay.ts'), { file, json: own.json === true });
  });

function addCommand(name: string, description: string, options: { isDefault?: boolean } = {}): Command {
  return program.command(name, options).description(description).exitOverride();
}

function addAgentOptions(command: Command): Command {
  return command
    .option('--json', 'as JSON')
    .option(
      '--endpoint <host:port>',
      "the running agent's listener (default: exporters.prometheus.endpoint)",
    );
}

function agentOptions(own: { json?: true; endpoint?: string }): {
  json: boolean;
  endpoint: string | undefined;
} {
  return { json: own.json === true, endpoint: own.endpoint };
}

function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

function wholeNumber(from: number, to: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= from && value <= to) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${from} to ${to}.`);
  };
}

/** Reads the settings, then loads and runs the command. */
async function execute<Options extends CommandOptions>(
  command: Command,
  load: () => Promise<CommandModule<Options>>,
  own: Omit<Options, keyof CommandOptions>,
): Promise<void> {
  const globals = command.optsWithGlobals<Globals>();
  const sources: SettingsOptions = { configs: globals.config, sets: globals.set };
  const settings = loadSettings(sources);
  const { level, encoding } = settings.telemetry.logs;
  invocation.debug ||= level === 'debug';
  const log = createLog({ level, encoding });
  for (const warning of settings.warnings) log.warn({}, warning);
  const module = await load();
  // The rest of Options is `own`; the compiler cannot see that a sum of both parts is the whole.
  invocation.exitCode = await module.run({ ...own, sources, log } as unknown as Options, settings);
}

/** A word that is no command would be taken for an argument of the default one. */
function refuseUnknownCommand(first: string | undefined): void {
  if (first === undefined || first.startsWith('-')) return;
  const known = ['help', ...program.commands.map((command) => command.name())];
  if (known.includes(first)) return;
  const near = nearest(first, known);
  const hint = near === undefined ? `known are ${known.join(', ')}` : `did you mean ${near}?`;
  throw new UserError('command', `there is no command "${first}"; ${hint}`);
}

/** The exit code of an error, after telling it. */
function tell(error: unknown): number {
  // Commander has printed its own message, or the help.
  if (error instanceof CommanderError) return error.exitCode;
  process.stderr.write(`error: ${messageOf(error)}\n`);
  if (error instanceof UserError) return error.exitCode;
  const stack = error instanceof Error && invocation.debug ? `${error.stack}\n` : '';
  const hint = invocation.debug ? '' : '; OTEL_LOG_LEVEL=debug shows where it happened';
  process.stderr.write(
    `${stack}This is a defect of undertrace ${VERSION}. Please report it with the output of \`undertrace doctor --json\`${hint}.\n`,
  );
  return 1;
}

// What nobody waited for ends the program as what somebody did.
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => process.exit(tell(error) || 1));
}

// A terminal that is gone, or a log that nobody reads: there is nowhere to say so.
process.stderr.on('error', () => undefined);
// A reader that has seen enough (`| head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
});

try {
  refuseUnknownCommand(process.argv[2]);
  await program.parseAsync();
} catch (error) {
  invocation.exitCode = tell(error);
}
process.exitCode = invocation.exitCode;
endIfHungUp();
