import { text } from '../bytes.ts';
import { connectionAttributes } from '../connection-attributes.ts';
import type { Capture } from '../decoder.ts';
import type { Description, Exchange } from '../exchange.ts';

/** Longest destination, client id and the like that is kept, in bytes. */
export const MAX_TEXT = 255;
/** Destinations that span names are made of, for all connections together, and for how many the form is kept. */
const MAX_NAMES = 1000;
const MAX_KNOWN = 4096;

/** Of brokers whose clients send a request for each message, hundreds of them before they look for a response; less where frames are long. */
export const BURSTS: Capture = { budget: 1_048_576, pipelined: 1_048_576, bulk: 65_536, elide: true };

/** Separators of levels: `/` of MQTT, `.` of NATS and AMQP, `:` between exchange and routing key. */
const LEVELS = /([/.:]+)/;
const HAS_DIGIT = /[0-9]/;
/** UUIDs, hexadecimal numbers, digits alone, three digits at once. */
const IDENTIFIER = /^(?:[0-9]+|[0-9a-f]{8,}|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|.*[0-9]{3}.*)$/i;
/** Longer levels are made by a machine. */
const MAX_LEVEL = 32;
/** Of random texts with digits: NATS's NUIDs, client ids. */
const RANDOM_LEVEL = 20;

/**
 * What span names say of destinations. A name is low in cardinality: levels that look like identifiers become `{id}`, and beyond `MAX_NAMES` forms
 * the name has no destination.
 */
export class DestinationNames {
  readonly #templates = new Set<string>();
  readonly #known = new Map<string, string>();

  /** The form of a destination, itself if nothing in it looks like an identifier; '' beyond the bound. */
  templateOf(destination: string): string {
    let template = this.#known.get(destination);
    if (template !== undefined) return template;
    template = this.#admit(
      HAS_DIGIT.test(destination) || destination.length > MAX_LEVEL ? templateOf(destination) : destination,
    );
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(destination, template);
    return template;
  }

  #admit(template: string): string {
    if (this.#templates.has(template)) return template;
    if (this.#templates.size >= MAX_NAMES) return '';
    this.#templates.add(template);
    return template;
  }
}

function templateOf(destination: string): string {
  return destination
    .split(LEVELS)
    .map((level) => (isIdentifier(level) ? '{id}' : level))
    .join('');
}

function isIdentifier(level: string): boolean {
  if (level.length > MAX_LEVEL) return true;
  if (!HAS_DIGIT.test(level)) return false;
  return level.length >= RANDOM_LEVEL || IDENTIFIER.test(level);
}

/** What all messaging spans have in common. */
export interface MessagingOperation {
  readonly system: string;
  /** `send`, `process`, `subscribe`. */
  readonly name: string;
  /** Of the conventions' types; undefined where none fits. */
  readonly type: 'send' | 'receive' | 'process' | 'settle' | undefined;
  readonly kind: Description['kind'];
  /** '' where it is not known. */
  readonly destination: string;
  /** The destination is made for one use (an inbox), or the server has named it (a queue): no name is made of it. */
  readonly generated: 'temporary' | 'anonymous' | undefined;
  readonly clientId: string;
  /** Bytes; -1 where it is not known. */
  readonly bodySize: number;
  /** This end is the one that connected to the broker. */
  readonly isClient: boolean;
}

/** A span by the conventions for messaging 1.44; `error.type` is left to `fail`. */
export function describeMessaging(
  exchange: Exchange,
  operation: MessagingOperation,
  names: DestinationNames,
): Description {
  const { destination, generated, clientId, bodySize, type } = operation;
  const attributes = connectionAttributes(exchange, operation.isClient);
  attributes['messaging.system'] = operation.system;
  attributes['messaging.operation.name'] = operation.name;
  if (type !== undefined) attributes['messaging.operation.type'] = type;
  let name = operation.name;
  if (destination !== '') {
    attributes['messaging.destination.name'] = destination;
    if (generated !== undefined) attributes[`messaging.destination.${generated}`] = true;
    const template = generated !== undefined ? '' : names.templateOf(destination);
    if (template !== '') name = `${name} ${template}`;
    if (template !== '' && template !== destination) attributes['messaging.destination.template'] = template;
  }
  if (clientId !== '') attributes['messaging.client.id'] = clientId;
  if (bodySize >= 0) attributes['messaging.message.body.size'] = bodySize;
  return { name, kind: operation.kind, attributes, errorType: undefined };
}

/** Sets `error.type`: what went wrong below the protocol is the reason of what it says itself. */
export function fail(description: Description, errorType: string | undefined): Description {
  if (errorType === undefined) return description;
  description.errorType = errorType;
  description.attributes['error.type'] = errorType;
  return description;
}

/** A text of at most `MAX_TEXT` bytes, cut between characters. */
export function boundedText(bytes: Uint8Array, from: number, to: number): string {
  if (to - from <= MAX_TEXT) return text(bytes, from, to);
  let end = from + MAX_TEXT;
  while (end > from && (bytes[end]! & 0xc0) === 0x80) end--;
  return text(bytes, from, end);
}

type Direction = Pick<MessagingOperation, 'name' | 'type' | 'kind'>;
const SENT: Direction = { name: 'send', type: 'send', kind: 'producer' };
const TAKEN: Direction = { name: 'send', type: 'send', kind: 'server' };
const DELIVERED: Direction = { name: 'deliver', type: undefined, kind: 'client' };
const PROCESSED: Direction = { name: 'process', type: 'process', kind: 'consumer' };

/**
 * A message on its way to the broker (`published`) or from it, at the end that sends it or at the one that gets it. The conventions know
 * producers and consumers; of the broker's ends one serves what is sent, and the other calls the consumer.
 */
export function directionOf(published: boolean, sends: boolean): Direction {
  if (published) return sends ? SENT : TAKEN;
  return sends ? DELIVERED : PROCESSED;
}
