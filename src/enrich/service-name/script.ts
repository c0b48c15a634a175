import { argumentsOf, baseName, firstPositional } from '../../capture/launch.ts';
import type { NamedProcess, ServiceNameResolver } from './service-name.ts';
import { directoryName, scriptName } from './words.ts';

const NONE: ReadonlySet<string> = new Set();

/** The script of an interpreter whose arguments are simple. */
function scriptOf(process: NamedProcess, valued: ReadonlySet<string>, ends: RegExp): string | undefined {
  const found = firstPositional(argumentsOf(process.facts), valued, ends);
  return found && scriptName(found.value, process.facts.cwd);
}

/** A Perl script. */
export const perl: ServiceNameResolver = {
  source: 'perl',
  resolve: (process) =>
    process.runtime === 'perl'
      ? (scriptOf(process, new Set(['-I', '-M', '-x']), /^-\w*[eE]/) ?? 'perl-script')
      : undefined,
};

/** A shell script; a shell without one (interactive, `-c`) is the shell itself, which is what the user ran. */
export const shell: ServiceNameResolver = {
  source: 'shell',
  resolve: (process) =>
    process.runtime === 'shell'
      ? scriptOf(process, new Set(['-o', '+o', '-O', '+O', '--rcfile', '--init-file']), /^-\w*[cs]\w*$/)
      : undefined,
};

/** `dotnet Shop.Checkout.dll`, `dotnet run --project Shop`. */
export const dotnet: ServiceNameResolver = {
  source: 'dotnet',
  resolve({ facts, runtime }) {
    if (runtime !== 'dotnet') return undefined;
    const args = argumentsOf(facts);
    const library = args.find((arg) => /\.(?:dll|exe)$/i.test(arg));
    if (library !== undefined) return baseName(library).replace(/\.(?:dll|exe)$/i, '');
    const at = args.indexOf('--project');
    const project = at >= 0 ? args[at + 1] : undefined;
    const named = project && baseName(project).replace(/\.[a-z]+proj$/i, '');
    return named || (directoryName(facts.cwd ?? '/') ?? 'dotnet-application');
  },
};

const DENO_VALUED = new Set([
  '--config',
  '-c',
  '--import-map',
  '--lock',
  '--cert',
  '--location',
  '--seed',
  '--env-file',
  '-L',
  '--log-level',
  '--unsafely-ignore-certificate-errors',
]);
const DENO_COMMANDS = /^(?:run|serve|test|bench|compile|task)$/;

/** `deno run --allow-net main.ts`, `deno task start`. */
export const deno: ServiceNameResolver = {
  source: 'deno',
  resolve({ facts, runtime }) {
    if (runtime !== 'deno') return undefined;
    const args = argumentsOf(facts);
    const command = firstPositional(args, DENO_VALUED);
    if (command?.value === 'task') return directoryName(facts.cwd ?? '/') ?? 'deno-application';
    const script =
      command !== undefined && DENO_COMMANDS.test(command.value)
        ? firstPositional(args, DENO_VALUED, undefined, command.index + 1)?.value
        : command?.value;
    if (script === undefined || script === 'eval' || script === 'repl') return 'deno-script';
    return scriptName(script.replace(/^(?:https?|file|jsr|npm):\/*/, '/'), facts.cwd) ?? 'deno-script';
  },
};

/** `bun run server.ts`, `bun start`: the package that was found, else the script. */
export const bun: ServiceNameResolver = {
  source: 'bun',
  resolve({ facts, runtime }) {
    if (runtime !== 'bun') return undefined;
    const declared = facts.files?.['package.name'];
    if (declared) return declared;
    const args = argumentsOf(facts);
    let found = firstPositional(
      args,
      new Set(['-r', '--preload', '--config', '-c', '--cwd', '--port']),
      /^(?:-e|--eval)$/,
    );
    if (found?.value === 'run') found = firstPositional(args, NONE, undefined, found.index + 1);
    const script = found?.value;
    if (script === undefined || !/[./]/.test(script))
      return directoryName(facts.cwd ?? '/') ?? 'bun-application';
    return scriptName(script, facts.cwd);
  },
};

/** The release or the node that the Erlang virtual machine was started for: RabbitMQ, Elixir releases, ejabberd. */
export const beam: ServiceNameResolver = {
  source: 'erlang',
  resolve({ facts, runtime }) {
    if (runtime !== 'beam') return undefined;
    if (facts.environ?.RELEASE_NAME) return facts.environ.RELEASE_NAME;
    const args = argumentsOf(facts);
    const nodeName = args[args.findIndex((arg) => arg === '-sname' || arg === '-name') + 1];
    if (nodeName && nodeName !== args[0]) return nodeName.split('@', 1)[0];
    const started = args[args.indexOf('-s') + 1];
    if (args.includes('-s') && started) return started;
    return directoryName(facts.cwd ?? '/') ?? 'erlang-application';
  },
};

/** The applet that busybox was called as. */
export const busybox: ServiceNameResolver = {
  source: 'busybox',
  resolve({ facts, runtime }) {
    if (runtime !== 'busybox') return undefined;
    const called = baseName(facts.argv?.[0] ?? '').replace(/^-/, '');
    const applet = /^busybox/.test(called) ? facts.argv?.[1] : called;
    if (!applet) return undefined;
    if (!/^(?:sh|ash|hush)$/.test(applet)) return applet;
    const args = (facts.argv ?? []).slice(/^busybox/.test(called) ? 2 : 1);
    const script = firstPositional(args, NONE, /^-\w*[cs]\w*$/)?.value;
    return (script && scriptName(script, facts.cwd)) || applet;
  },
};
