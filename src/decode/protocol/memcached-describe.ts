import { connectionAttributes } from '../connection-attributes.ts';
import type { Attributes, Description, Exchange } from '../exchange.ts';
import type { QueryTextOptions } from './index.ts';
import { isCommand } from './memcached-line.ts';
import type { MemcachedRequest, MemcachedResponse } from './memcached-message.ts';

const SYSTEM = 'memcached';
/** Commands of which all that follows the key is a value. */
const VALUED = new Set(['set', 'add', 'replace', 'append', 'prepend', 'cas', 'incr', 'decr', 'touch']);
const TIMED = new Set(['gat', 'gats']);
const META = new Set(['mg', 'md', 'ma', 'me', 'ms']);
const KEYS = new Set(['get', 'gets', 'delete']);

export function describeMemcached(exchange: Exchange, options: QueryTextOptions): Description {
  const request = exchange.request as MemcachedRequest;
  const response = exchange.response as MemcachedResponse | undefined;
  const attributes = connectionAttributes(exchange);
  attributes['db.system.name'] = SYSTEM;
  // The end of a run of quiet commands is answered: where it was not seen, other commands may be missing as well.
  const known = request.ended || (response === undefined && exchange.incomplete === undefined);
  if (known) describeCommands(attributes, request, options);
  if (known && response && exchange.incomplete === undefined)
    describeHits(attributes, request.keys, response.hits);
  const status = response?.status;
  if (status !== undefined) attributes['db.response.status_code'] = status;
  const errorType = failureOf(exchange, request) ?? status;
  if (errorType !== undefined) attributes['error.type'] = errorType;
  const name = (attributes['db.operation.name'] as string | undefined) ?? SYSTEM;
  return { name, attributes, errorType };
}

/** Who asks for the end of the connection need not wait for it to be confirmed. */
function failureOf({ failure }: Exchange, { operation }: MemcachedRequest): string | undefined {
  return operation === 'quit' && failure === 'connection_closed' ? undefined : failure;
}

function describeCommands(
  attributes: Attributes,
  request: MemcachedRequest,
  options: QueryTextOptions,
): void {
  const { operation, count } = request;
  const name = count > 1 ? `BATCH ${operation}`.trimEnd() : operation;
  if (name !== '') attributes['db.operation.name'] = name;
  if (count > 1) attributes['db.operation.batch.size'] = count;
  const queryText = options.mode === 'off' ? '' : textOf(request, options.mode === 'full');
  if (queryText !== '') attributes['db.query.text'] = queryText.slice(0, options.limit);
}

function describeHits(attributes: Attributes, keys: number, hits: number): void {
  if (keys === 0) return;
  attributes['undertrace.memcached.hit.count'] = hits;
  if (keys > 0) attributes['undertrace.memcached.miss.count'] = Math.max(0, keys - hits);
}

function textOf({ lines, binary }: MemcachedRequest, full: boolean): string {
  if (full || binary) return lines;
  return lines.split('\n').map(sanitized).join('\n');
}

/** Keys and words of the protocol stay, whatever can be a value becomes `?`. */
function sanitized(line: string): string {
  const words = line.split(' ').filter((word) => word !== '');
  const [command = '', key = ''] = words;
  if (VALUED.has(command)) return `${command} ${key} ?`;
  if (KEYS.has(command)) return words.filter((word) => word !== 'noreply').join(' ');
  if (TIMED.has(command)) return [command, '?', ...words.slice(2)].join(' ');
  if (META.has(command)) return [command, key, ...words.slice(2).map(withoutToken)].join(' ');
  if (!isCommand(command)) return '?';
  return [command, ...words.slice(1).map((word) => (/^[a-z_]+$/.test(word) ? word : '?'))].join(' ');
}

/** A flag is a letter and what it says, of which only the mode is shown; alone, a number is the size of the value. */
function withoutToken(flag: string): string {
  if (/^\d/.test(flag)) return '?';
  return flag.length > 1 && !flag.startsWith('M') ? `${flag[0]!}?` : flag;
}
