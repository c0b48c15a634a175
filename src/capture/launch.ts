/**
 * How a process was launched, read from its arguments alone: which interpreter runs it and what that was told to run.
 *
 * Pure, and in capture/ because both the reader of late facts (which file says the program's name?) and the resolvers of service names
 * need the same answer.
 */
import type { ProcessFacts } from './facts.ts';

export type Runtime =
  | 'java'
  | 'node'
  | 'python'
  | 'ruby'
  | 'php'
  | 'perl'
  | 'dotnet'
  | 'shell'
  | 'deno'
  | 'bun'
  | 'beam'
  | 'busybox';

const RUNTIMES: ReadonlyArray<[RegExp, Runtime]> = [
  [/^javaw?$/, 'java'],
  [/^(?:node|nodejs|iojs|electron)(?:[-_.]?v?\d[\d.]*)?$/, 'node'],
  [/^(?:python|pypy|uwsgi-plugin-python)(?:\d[\d.]*)?(?:-dbg|t|d)?$/, 'python'],
  [/^(?:ruby|jruby|truffleruby)(?:[-_.]?\d[\d.]*)?$/, 'ruby'],
  [/^php(?:-cgi|-cli)?(?:\d[\d.]*)?$/, 'php'],
  [/^perl(?:\d[\d.]*)?$/, 'perl'],
  [/^dotnet$/, 'dotnet'],
  [/^(?:bash|sh|dash|ash|zsh|ksh|mksh|fish|rbash)$/, 'shell'],
  [/^deno$/, 'deno'],
  [/^bunx?$/, 'bun'],
  [/^beam(?:\.smp)?$|^erlexec$/, 'beam'],
  [/^busybox(?:[.-].+)?$/, 'busybox'],
];

/** The last component of a path, without the mark of a deleted file. */
export function baseName(path: string): string {
  const clean = path.endsWith(' (deleted)') ? path.slice(0, -' (deleted)'.length) : path;
  return clean.slice(clean.lastIndexOf('/') + 1);
}

export function directoryOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? '/' : path.slice(0, slash);
}

/** `path` as seen from `directory`, with `.` and `..` taken out. */
export function resolvePath(directory: string, path: string): string {
  const parts: string[] = [];
  for (const part of (path.startsWith('/') ? path : `${directory}/${path}`).split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

/** The interpreter that a process is, or undefined for a program of its own. */
export function runtimeOf(facts: ProcessFacts): Runtime | undefined {
  const names = facts.exe ? [facts.exe] : [facts.argv?.[0] ?? '', facts.comm ?? ''];
  for (const name of names) {
    const base = baseName(name).replace(/^-/, '');
    const found = RUNTIMES.find(([pattern]) => pattern.test(base));
    if (found !== undefined) return found[1];
  }
  return undefined;
}

/**
 * Arguments after argv[0]. A process that rewrote its title (`process.title = …`, pm2) has one string with blanks in it in place of many;
 * it is taken apart where it starts like a command line.
 */
export function argumentsOf(facts: ProcessFacts): string[] {
  const argv = facts.argv ?? [];
  const filled = argv.filter((word) => word !== '');
  if (filled.length === 1 && /^\S+ /.test(filled[0]!)) return filled[0]!.trim().split(/ +/).slice(1);
  return argv.slice(1);
}

/** What stands first behind the options. `valued`: options whose value is the next argument. */
export interface Positional {
  index: number;
  value: string;
}

/** First argument that is no option; `ends` names options after which there is none (such as `-c` and `-e`). */
export function firstPositional(
  args: readonly string[],
  valued: ReadonlySet<string>,
  ends: RegExp | undefined = undefined,
  from = 0,
): Positional | undefined {
  for (let i = from; i < args.length; i++) {
    const word = args[i]!;
    if (word === '--') return args[i + 1] === undefined ? undefined : { index: i + 1, value: args[i + 1]! };
    if (!word.startsWith('-') || word === '-') return { index: i, value: word };
    if (ends?.test(word)) return undefined;
    if (valued.has(word)) i++;
  }
  return undefined;
}

const NODE_VALUED = new Set([
  ...['-r', '--require', '--import', '--loader', '--experimental-loader', '-C', '--conditions'],
  ...['--env-file', '--title', '--icu-data-dir', '--openssl-config', '--redirect-warnings', '--input-type'],
  ...['--max-old-space-size', '--stack-trace-limit', '--watch-path', '--inspect-port', '--disable-warning'],
]);
const NODE_NO_SCRIPT = /^(?:-e|--eval|-p|--print|-pe|-c|--check|-i|--interactive)$|^--(?:eval|print)=/;
/** Programs that only start another script, which stands among their own arguments. */
const NODE_LAUNCHER =
  /(?:^|\/)(?:tsx|ts-node|ts-node-esm|ts-node-dev|tsnd|nodemon|babel-node|esr|swc-node|dotenv|cross-env)$|\/tsx\/dist\/cli\.[cm]?js$|\/(?:ts-node|nodemon|ts-node-dev)\/.*\/[\w-]+\.[cm]?js$/;
const NODE_LAUNCHER_VALUED = new Set([
  ...[
    '-r',
    '--require',
    '--import',
    '-P',
    '--project',
    '--tsconfig',
    '-w',
    '--watch',
    '-e',
    '--ext',
    '-x',
    '--exec',
    '-i',
  ],
  ...['--ignore', '--delay', '--signal', '--config', '-O', '--compilerOptions'],
]);
/** Package managers: the program is the package in the working directory. */
const NODE_MANAGER =
  /(?:^|\/)(?:npm|npx|yarn|pnpm|pnpx)(?:-cli|js)?(?:\.[cm]?js)?$|\/(?:npm|pnpm|yarn|corepack)\/.*\.[cm]?js$/;
/** Runs scripts of others; the script's path is in the environment. */
const PM2_CONTAINER = /\/pm2\/lib\/ProcessContainer(?:Fork)?(?:Bun)?\.js$/;

/** What a Node process runs: an absolute script path, or the package in the working directory. */
export interface NodeTarget {
  script?: string;
  manager?: boolean;
}

export function nodeTarget(facts: ProcessFacts): NodeTarget {
  if (/^(?:npm|yarn|pnpm) /.test(facts.argv?.[0] ?? '')) return { manager: true };
  const script = nodeScript(argumentsOf(facts));
  if (script === undefined) return {};
  if (PM2_CONTAINER.test(script)) {
    const path = facts.environ?.pm_exec_path;
    return path ? { script: path } : {};
  }
  if (NODE_MANAGER.test(script)) return { manager: true };
  return { script: resolvePath(facts.cwd ?? '/', script.replace(/^file:\/\//, '')) };
}

/** The script as it stands in the arguments, behind launchers of scripts. */
function nodeScript(args: readonly string[]): string | undefined {
  let found = firstPositional(args, NODE_VALUED, NODE_NO_SCRIPT);
  if (found?.value === 'inspect') found = firstPositional(args, NODE_VALUED, undefined, found.index + 1);
  while (found !== undefined && NODE_LAUNCHER.test(found.value)) {
    const next = launchedBy(args, found.index);
    if (next === undefined) break;
    found = next;
  }
  return found?.value;
}

/** `tsx watch server.ts`, `nodemon node app.js` */
function launchedBy(args: readonly string[], launcher: number): Positional | undefined {
  const next = firstPositional(args, NODE_LAUNCHER_VALUED, undefined, launcher + 1);
  if (next?.value === 'watch') return firstPositional(args, NODE_LAUNCHER_VALUED, undefined, next.index + 1);
  if (next?.value === 'node') return firstPositional(args, NODE_VALUED, NODE_NO_SCRIPT, next.index + 1);
  return next;
}

const JAVA_VALUED = new Set([
  ...[
    '-cp',
    '-classpath',
    '--class-path',
    '-p',
    '--module-path',
    '--add-modules',
    '--add-opens',
    '--add-exports',
  ],
  ...[
    '--add-reads',
    '--limit-modules',
    '--upgrade-module-path',
    '--patch-module',
    '--enable-native-access',
    '--source',
  ],
]);

/** What a Java process runs: `jar` is a path, `main` a class, with `args` behind it; `properties` are the -D settings. */
export interface JavaTarget {
  jar?: string;
  main?: string;
  module?: string;
  args: string[];
  properties: Map<string, string>;
}

export function javaTarget(facts: ProcessFacts): JavaTarget {
  const args = argumentsOf(facts);
  const properties = new Map<string, string>();
  for (let i = 0; i < args.length; i++) {
    const word = args[i]!;
    const rest = args.slice(i + 2);
    if (word === '-jar') return { jar: args[i + 1] ?? '', args: rest, properties };
    if (word === '-m' || word === '--module') return { module: args[i + 1] ?? '', args: rest, properties };
    if (word.startsWith('--module=')) return { module: word.slice(9), args: args.slice(i + 1), properties };
    if (JAVA_VALUED.has(word)) {
      i++;
    } else if (word.startsWith('-D')) {
      const equals = word.indexOf('=');
      if (equals > 0) properties.set(word.slice(2, equals), word.slice(equals + 1));
    } else if (!word.startsWith('-') && !word.startsWith('@')) {
      return { main: word, args: args.slice(i + 1), properties };
    }
  }
  return { args: [], properties };
}

/** A file whose contents tell a program's name. */
export type WantedFile =
  | { kind: 'package.json'; directory: string }
  | { kind: 'jar'; path: string }
  | { kind: 'manifest'; path: string };

const SPRING_LAUNCHER = /^org\.springframework\.boot\.loader\.(?:launch\.)?(?:Jar|War|Properties)Launcher$/;

/** The files worth reading for a process, chosen by its arguments; none for most. The same facts always give the same answer. */
export function wantedFiles(facts: ProcessFacts): WantedFile[] {
  const runtime = runtimeOf(facts);
  const cwd = facts.cwd ?? '/';
  if (runtime === 'node') {
    const { script, manager } = nodeTarget(facts);
    if (manager) return [{ kind: 'package.json', directory: cwd }];
    if (script === undefined) return [];
    // A tool out of node_modules serves the package that it was started in.
    const directory = script.includes('/node_modules/') ? cwd : directoryOf(script);
    return [{ kind: 'package.json', directory }];
  }
  if (runtime === 'bun') return [{ kind: 'package.json', directory: cwd }];
  if (runtime !== 'java') return [];
  const { jar, main } = javaTarget(facts);
  if (jar) return [{ kind: 'jar', path: resolvePath(cwd, jar) }];
  if (main && SPRING_LAUNCHER.test(main)) {
    return [{ kind: 'manifest', path: resolvePath(cwd, 'META-INF/MANIFEST.MF') }];
  }
  return [];
}
