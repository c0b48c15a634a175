/** What values of the configuration may be: each format says what is allowed and turns a value into what the program uses. */
import { nearest } from './nearest.ts';
import { parseDurationMs, parseEndpoint, parseSizeBytes } from './units.ts';
import type { DirectorySettings, Endpoint } from '../settings.ts';

/** Notes a problem at `path` inside the value. */
export type Report = (path: ReadonlyArray<string | number>, message: string) => void;

export interface Format<T> {
  /** For people, such as `a duration, such as 200ms`. */
  allowed: string;
  /** Undefined where the value is not allowed; what is wrong inside a list or map is reported. `text`: how a scalar was written. */
  parse(value: unknown, report: Report, text?: string): T | undefined;
  /** Values are never shown. */
  secret?: boolean;
  /** No value (null) is one of the values. */
  optional?: boolean;
  /** A map of texts, in which a number stands as it was written. */
  texts?: boolean;
}

export type SchemaNode = Format<unknown> | Schema;
export interface Schema {
  readonly [key: string]: SchemaNode;
}

export function isFormat(node: SchemaNode): node is Format<unknown> {
  return typeof node.parse === 'function';
}

/** What a section's values become. */
export type Parsed<S extends Schema> = {
  [K in keyof S]: S[K] extends Format<infer T> ? T : S[K] extends Schema ? Parsed<S[K]> : never;
};

export function optional<T>(format: Format<T>): Format<T | undefined> {
  return { ...format, optional: true };
}

export function choice<T extends string>(values: readonly T[]): Format<T> {
  return {
    allowed: `one of ${values.join(', ')}`,
    parse: (value) =>
      values.find((known) => known === (typeof value === 'string' ? value.toLowerCase() : value)),
  };
}

export const flag: Format<boolean> = {
  allowed: 'true or false',
  parse: (value) => (typeof value === 'boolean' ? value : undefined),
};

export const string: Format<string> = {
  allowed: 'a text',
  parse(value, _report, text) {
    if (typeof value === 'string') return value;
    return typeof value === 'number' || typeof value === 'boolean' ? (text ?? String(value)) : undefined;
  },
};

export const nonEmpty: Format<string> = {
  allowed: 'a text that is not empty',
  parse: (value, report, text) => string.parse(value, report, text) || undefined,
};

export function number(from: number, to: number, whole = true): Format<number> {
  return {
    allowed: `a ${whole ? 'whole ' : ''}number from ${from}${to === Infinity ? ' up' : ` to ${to}`}`,
    parse(value) {
      if (typeof value !== 'number' || !(value >= from && value <= to)) return undefined;
      return whole && !Number.isSafeInteger(value) ? undefined : value;
    },
  };
}

/** Bounds are durations as they are written. */
export function duration(from: string, to: string): Format<number> {
  const [least, most] = [parseDurationMs(from)!, parseDurationMs(to)!];
  return {
    allowed: `a duration with its unit (ms, s, m, h) from ${from} to ${to}`,
    parse(value) {
      const ms = parseDurationMs(value);
      return ms !== undefined && ms >= least && ms <= most ? ms : undefined;
    },
  };
}

export function size(from: string, to: string, powerOfTwo = false): Format<number> {
  const [least, most] = [parseSizeBytes(from)!, parseSizeBytes(to)!];
  return {
    allowed: `a ${powerOfTwo ? 'power of two' : 'size'} from ${from} to ${to}`,
    parse(value) {
      const bytes = parseSizeBytes(value);
      if (bytes === undefined || bytes < least || bytes > most) return undefined;
      return powerOfTwo && !Number.isInteger(Math.log2(bytes)) ? undefined : bytes;
    },
  };
}

export const endpoint: Format<Endpoint> = {
  allowed: 'host:port, such as localhost:9464',
  parse: parseEndpoint,
};

export const httpUrl: Format<string> = {
  allowed: 'an http:// or https:// URL, such as http://localhost:4318',
  parse(value) {
    if (typeof value !== 'string' || !URL.canParse(value)) return undefined;
    return /^https?:$/.test(new URL(value).protocol) ? value : undefined;
  },
};

const REDIS_PORT = 6379;
/** Valkey speaks the same protocol, and some write its name. */
const REDIS_SCHEME = /^(?:redis|valkey)(s?):$/;

/** The whole URL is secret in messages: where it is not well-formed, nobody can tell which part of it is the password. */
export const redisUrl: Format<Omit<DirectorySettings, 'ttlMs'>> = {
  allowed:
    'redis://[user:password@]host[:port][/database], or rediss:// for TLS; valkey:// and valkeys:// are the same',
  secret: true,
  parse(value) {
    if (typeof value !== 'string' || !URL.canParse(value)) return undefined;
    const { protocol, hostname, port, username, password, pathname, search, hash } = new URL(value);
    const scheme = REDIS_SCHEME.exec(protocol);
    const database = /^\/?(\d{0,5})$/.exec(pathname);
    if (!scheme || !database || hostname === '' || search !== '' || hash !== '') return undefined;
    const [user, secret] = [decoded(username), decoded(password)];
    if (user === undefined || secret === undefined) return undefined;
    return {
      host: hostname.replace(/^\[|\]$/g, ''),
      port: port === '' ? REDIS_PORT : Number(port),
      tls: scheme[1] === 's',
      username: user || undefined,
      password: secret || undefined,
      database: Number(database[1]),
    };
  },
};

/** Undefined where the text is not percent-encoded as it should be. */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

export const grpcTarget: Format<string> = {
  allowed: 'host:port, http://host:port, https://host:port or unix:/path',
  parse(value, report) {
    if (typeof value !== 'string') return undefined;
    if (value.startsWith('unix:') || parseEndpoint(value)) return value;
    return httpUrl.parse(value, report);
  },
};

/** A map of texts. */
export function textMap(what: string, secret = false): Format<Record<string, string>> {
  return {
    allowed: `a map from ${what}`,
    secret,
    texts: true,
    parse(value, report) {
      if (!isMapOf(value)) return undefined;
      const result: Record<string, string> = {};
      for (const [key, inner] of Object.entries(value)) {
        const parsed = string.parse(inner, report);
        if (parsed === undefined) report([key], `must be ${string.allowed}`);
        else Object.defineProperty(result, key, { value: parsed, enumerable: true });
      }
      return result;
    },
  };
}

/** Values by key, one of `keys`, each of the same format. */
export function mapOf<T>(keys: readonly string[], item: Format<T>, what: string): Format<Record<string, T>> {
  return {
    allowed: `a map from ${what}`,
    parse(value, report) {
      if (!isMapOf(value)) return undefined;
      const result: Record<string, T> = {};
      for (const [key, inner] of Object.entries(value)) {
        if (!keys.includes(key)) {
          report([key], unknownKey(nearest(key, keys), keys));
          continue;
        }
        const parsed = item.parse(inner, (path, message) => report([key, ...path], message));
        if (parsed === undefined) report([key], `${show(inner)} is not ${item.allowed}`);
        else result[key] = parsed;
      }
      return result;
    },
  };
}

export function list<T>(item: Format<T>, what: string): Format<T[]> {
  return {
    allowed: `a list of ${what}`,
    parse(value, report) {
      if (!Array.isArray(value)) return undefined;
      const result: T[] = [];
      value.forEach((inner: unknown, index) => {
        const parsed = item.parse(inner, (path, message) => report([index, ...path], message));
        if (parsed === undefined) report([index], `${show(inner)} is not ${item.allowed}`);
        else result.push(parsed);
      });
      return result;
    },
  };
}

/** A map with known keys, all of them optional but `required`. */
export function record<S extends Record<string, Format<unknown>>>(
  fields: S,
  required: ReadonlyArray<keyof S & string> = [],
): Format<Partial<Parsed<S>>> {
  return {
    allowed: `a map with the keys ${Object.keys(fields).join(', ')}`,
    parse(value, report) {
      if (!isMapOf(value)) return undefined;
      const result: Record<string, unknown> = {};
      for (const [key, inner] of Object.entries(value)) {
        const format = Object.hasOwn(fields, key) ? fields[key] : undefined;
        if (!format) {
          report([key], unknownKey(nearest(key, Object.keys(fields)), Object.keys(fields)));
          continue;
        }
        const parsed = format.parse(inner, (path, message) => report([key, ...path], message));
        if (parsed === undefined) report([key], `${show(inner)} is not ${format.allowed}`);
        else result[key] = parsed;
      }
      for (const key of required) if (!Object.hasOwn(value, key)) report([], `has no "${key}"`);
      return result as Partial<Parsed<S>>;
    },
  };
}

export function unknownKey(near: string | undefined, known: readonly string[]): string {
  if (near !== undefined) return `unknown key; did you mean ${near}?`;
  return `unknown key; known here: ${known.join(', ')}`;
}

/** A value in a message, cut where it is long. */
export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function isMapOf(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
