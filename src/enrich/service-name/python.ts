import { argumentsOf, baseName, firstPositional } from '../../capture/launch.ts';
import type { NamedProcess, ServiceNameResolver } from './service-name.ts';
import { directoryName, moduleName, scriptName } from './words.ts';

const VALUED = new Set(['-W', '-X', '--check-hash-based-pycs']);
/** One-letter options may be joined and the last one takes a value: `-m`, `-um`, `-Im`. */
const MODULE = /^-[bBdEhiIOPqRsSuvVx]*m(.*)$/;
const COMMAND = /^-[bBdEhiIOPqRsSuvVx]*c/;

/** Servers that run somebody's application, named by their first argument that is none of their options. */
const SERVERS =
  /^(?:gunicorn|uvicorn|hypercorn|daphne|granian|waitress-serve|waitress|meinheld|bjoern|fastapi|sanic|robyn)(?:\d[\d.]*)?$/;
const SERVER_SWITCHES =
  /^--?(?:reload|daemon|D|preload|factory|no-.+|proxy-headers|spew|check-config|print-config|R|reuse-port|debug|dev|fast|single-process|access-log|use-colors|http2|statsd-.*=.*)$/;

/** The script, module or application that a Python interpreter runs. */
export const python: ServiceNameResolver = {
  source: 'python',
  resolve(process) {
    if (process.runtime !== 'python') return undefined;
    const args = argumentsOf(process.facts);
    const { cwd } = process.facts;
    for (let i = 0; i < args.length; i++) {
      const word = args[i]!;
      const joined = MODULE.exec(word);
      if (joined !== null) {
        const module = joined[1] || args[i + 1];
        return module && program(module, args.slice(i + (joined[1] ? 1 : 2)), process, true);
      }
      if (COMMAND.test(word) || word === '-') break;
      if (VALUED.has(word)) i++;
      else if (!word.startsWith('-')) return program(word, args.slice(i + 1), process, false);
    }
    return directoryName(cwd ?? '/') ?? 'python-script';
  },
};

function program(target: string, rest: string[], process: NamedProcess, module: boolean): string | undefined {
  const { cwd } = process.facts;
  const name = module ? target.split('.')[0]! : baseName(target).replace(/\.py$/, '');
  if (SERVERS.test(name)) return application(rest, name, cwd);
  if (name === 'celery') return celery(rest, cwd);
  if (name === 'flask') return flask(rest, process);
  if (name === 'django-admin' || (!module && name === 'manage')) return django(target, process);
  if (name === 'dramatiq' || name === 'huey_consumer' || name === 'arq') return application(rest, name, cwd);
  if (name === 'ddtrace-run' || name === 'opentelemetry-instrument' || name === 'newrelic-admin') {
    return launched(rest, process);
  }
  return module ? moduleTarget(target, cwd) : scriptName(target, cwd);
}

/** `python -m http.server` is what its users call it; `-m shop.worker.__main__` is `shop.worker`. */
function moduleTarget(module: string, cwd: string | undefined): string | undefined {
  const name = module.replace(/\.__main__$/, '');
  return name.includes('.') ? name : (moduleName(name, cwd) ?? name);
}

/** The first argument that looks like an application (`package.module:object`), else the first that is no option's value. */
function application(args: string[], server: string, cwd: string | undefined): string | undefined {
  const target =
    args.find((arg) => /^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*(?:\(.*\))?$/.test(arg)) ?? lastPlain(args);
  if (target === undefined || target === 'run' || target === 'dev')
    return directoryName(cwd ?? '/') ?? server;
  return moduleName(target, cwd) ?? server;
}

/** Options of servers take values, mostly; those that do not are known. */
function lastPlain(args: string[]): string | undefined {
  for (let i = 0; i < args.length; i++) {
    const word = args[i]!;
    if (!word.startsWith('-')) return word;
    if (!word.includes('=') && !SERVER_SWITCHES.test(word)) i++;
  }
  return undefined;
}

function celery(args: string[], cwd: string | undefined): string {
  for (let i = 0; i < args.length; i++) {
    const word = args[i]!;
    const app = /^(?:-A|--app=?)(.*)$/.exec(word);
    if (app !== null) return moduleName((app[1] || args[i + 1]) ?? '', cwd) ?? 'celery';
  }
  return directoryName(cwd ?? '/') ?? 'celery';
}

function flask(args: string[], { facts }: NamedProcess): string {
  const at = args.findIndex((arg) => arg === '--app' || arg === '-A' || arg.startsWith('--app='));
  const told =
    at < 0 ? facts.environ?.FLASK_APP : args[at]!.includes('=') ? args[at]!.slice(6) : args[at + 1];
  return (told && moduleName(told, facts.cwd)) || (directoryName(facts.cwd ?? '/') ?? 'flask');
}

function django(target: string, { facts }: NamedProcess): string {
  const settings = facts.environ?.DJANGO_SETTINGS_MODULE?.split('.')[0];
  if (settings && settings !== 'config' && settings !== 'settings') return settings;
  return scriptName(target, facts.cwd) ?? 'django';
}

/** A wrapper that starts another program in its own place. */
function launched(args: string[], process: NamedProcess): string | undefined {
  const found = firstPositional(args, new Set(['--service_name', '--traces_exporter', '--metrics_exporter']));
  if (found === undefined) return undefined;
  const rest = args.slice(found.index + 1);
  const name = baseName(found.value);
  if (name === 'run-program') return launched(rest, process);
  if (!/^(?:python|pypy)[\d.]*$/.test(name)) return program(found.value, rest, process, false);
  return python.resolve({ ...process, facts: { ...process.facts, argv: [name, ...rest] } });
}
