/**
 * Logs on stderr by pino: one readable line each, or JSON with `level`, `ts`, `msg` and `component`. Nothing is logged per record or span; what may
 * happen again and again goes through `repeated`.
 */
import pino from 'pino';
import type { Log } from './log-shape.ts';
import type { LogLevel, TelemetrySettings } from './settings.ts';

/** A stage's logger that also bounds what comes back. */
export interface ComponentLog extends Log {
  /** A condition that may come back often: logged at once, then at most once a minute with `count`, how often it came since. */
  repeated(level: 'info' | 'warn' | 'error', key: string, fields: object, message: string): void;
}

export interface RootLog extends ComponentLog {
  /** A log whose lines name the component, such as `otlp_http/backup`. */
  component(id: string): ComponentLog;
  level: LogLevel;
  /** Writes what waits; called by itself at exit. */
  flush(): void;
}

export interface LogOptions {
  level: LogLevel;
  encoding: TelemetrySettings['logs']['encoding'];
  /** Takes finished lines; default stderr. */
  write?: (line: string) => void;
  colour?: boolean;
  /** Runs `callback` once after so many milliseconds without keeping the process alive. */
  after?: (ms: number, callback: () => void) => void;
}

const REPEAT_MS = 60_000;
/** Conditions remembered at once; beyond that they share one entry. */
const MAX_CONDITIONS = 500;
/** Waiting for a stderr that nobody reads; beyond that lines are dropped. */
const MAX_WAITING_BYTES = 1 << 20;
const REDACTED = ['authorization', 'cookie', 'headers', 'password', 'token'];

export function createLog(options: LogOptions): RootLog {
  const { write, flush } = options.write ? { write: options.write, flush: () => undefined } : openStderr();
  const colour = options.colour ?? (process.stderr.isTTY === true && !process.env.NO_COLOR);
  const json = options.encoding === 'json';
  const root = pino(
    {
      level: options.level,
      base: null,
      messageKey: 'msg',
      timestamp: () => `,"ts":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: REDACTED.flatMap((key) => [key, `*.${key}`]), censor: '<hidden>' },
    },
    { write: (line: string) => write(json ? line : readableLine(line, colour)) },
  );
  const limiter = new RepeatLimiter(options.after ?? unreferenced);
  return {
    ...logOf(root, limiter, ''),
    component: (id) => logOf(root.child({ component: id }), limiter, id),
    get level() {
      return root.level as LogLevel;
    },
    set level(level: LogLevel) {
      root.level = level;
    },
    flush,
  };
}

function logOf(logger: pino.Logger, limiter: RepeatLimiter, component: string): ComponentLog {
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    repeated: (level, key, fields, message) =>
      limiter.note(`${component}\0${key}`, (count) =>
        logger[level](count > 1 ? { ...fields, count } : fields, message),
      ),
  };
}

interface Condition {
  count: number;
  say: (count: number) => void;
}

class RepeatLimiter {
  readonly #after: NonNullable<LogOptions['after']>;
  readonly #conditions = new Map<string, Condition>();

  constructor(after: NonNullable<LogOptions['after']>) {
    this.#after = after;
  }

  note(key: string, say: (count: number) => void): void {
    const shared = this.#conditions.size >= MAX_CONDITIONS && !this.#conditions.has(key) ? '' : key;
    const known = this.#conditions.get(shared);
    if (known) {
      known.count++;
      known.say = say;
      return;
    }
    say(1);
    this.#conditions.set(shared, { count: 0, say });
    this.#after(REPEAT_MS, () => this.#minuteOver(shared));
  }

  #minuteOver(key: string): void {
    const condition = this.#conditions.get(key);
    if (!condition || condition.count === 0) {
      this.#conditions.delete(key);
      return;
    }
    condition.say(condition.count);
    condition.count = 0;
    this.#after(REPEAT_MS, () => this.#minuteOver(key));
  }
}

function unreferenced(ms: number, callback: () => void): void {
  setTimeout(callback, ms).unref();
}

/** Written by libuv's pool, so that a pipe that nobody reads stops no tracing. */
function openStderr(): { write: (line: string) => void; flush: () => void } {
  const stream = pino.destination({ fd: 2, sync: false, maxLength: MAX_WAITING_BYTES });
  // A stderr that was closed must not end the agent.
  stream.on('error', () => undefined);
  const flush = (): void => {
    try {
      stream.flushSync();
    } catch {
      // Not open yet or closed: there is nowhere left to say so.
    }
  };
  process.once('exit', flush);
  return { write: (line) => void stream.write(line), flush };
}

const COLOURS: Readonly<Record<string, string>> = { debug: '90', info: '36', warn: '33', error: '31' };

interface Line extends Record<string, unknown> {
  level: string;
  ts: string;
  msg?: string;
  component?: string;
}

/** `12:30:01.123 warn  otlp_http  the message  key=value`. */
function readableLine(line: string, colour: boolean): string {
  const { level, ts, msg = '', component, ...fields } = JSON.parse(line) as Line;

  const shown = colour ? `\x1b[${COLOURS[level] ?? '0'}m${level}\x1b[0m` : level;
  const parts = [ts.slice(11, 23), shown + ' '.repeat(Math.max(0, 5 - level.length))];
  if (component !== undefined) parts.push(`${component}:`);
  parts.push(msg);
  for (const [key, value] of Object.entries(fields)) parts.push(`${key}=${fieldText(value)}`);
  return `${parts.join(' ').replaceAll('\n', '\\n')}\n`;
}

function fieldText(value: unknown): string {
  if (typeof value === 'string') return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
  if (typeof value === 'object' && value !== null && 'stack' in value && 'message' in value) {
    return JSON.stringify(value.message);
  }
  return JSON.stringify(value);
}
