import { u16be } from '../bytes.ts';
import type { ContextHeaders } from '../context-headers.ts';
import type { ContextFields } from './context-fields.ts';
import { boundedText } from './messaging.ts';
import { INCOMPLETE, readVarint, varintSize } from './mqtt-packet.ts';

const KEEP_ALIVE = 0x13;
const ASSIGNED_CLIENT_ID = 0x12;
const TOPIC_ALIAS = 0x23;
const USER_PROPERTY = 0x26;

/** Kinds of values: a number of 1, 2 or 4 bytes, or one of these. */
const VARINT = 5;
const TEXT = 6;
const PAIR = 7;
/** By identifier (MQTT 5.0, 2.2.2.2); 0 for none. */
const KINDS = new Uint8Array(0x2b);
for (const id of [0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2a]) KINDS[id] = 1;
for (const id of [KEEP_ALIVE, 0x21, 0x22, TOPIC_ALIAS]) KINDS[id] = 2;
for (const id of [0x02, 0x11, 0x18, 0x27]) KINDS[id] = 4;
for (const id of [0x03, 0x08, 0x09, ASSIGNED_CLIENT_ID, 0x15, 0x16, 0x1a, 0x1c, 0x1f]) KINDS[id] = TEXT;
KINDS[0x0b] = VARINT;
KINDS[USER_PROPERTY] = PAIR;

/** The properties that are used, of the packet that was read last. */
export const properties = {
  /** 0: none. */
  topicAlias: 0,
  /** Seconds; -1: none. */
  serverKeepAlive: -1,
  clientId: '',
  contextHeaders: undefined as ContextHeaders | undefined,
};

export function clearProperties(): void {
  properties.topicAlias = 0;
  properties.serverKeepAlive = -1;
  properties.clientId = '';
  properties.contextHeaders = undefined;
}

/**
 * Reads the properties at `[from, to)`, of which what is before `limit` is there, into `properties`. False if they break the rules.
 *
 *   *( identifier value )      MQTT 5.0, 2.2.2
 */
export function readProperties(
  bytes: Uint8Array,
  from: number,
  to: number,
  limit: number,
  fields: ContextFields,
): boolean {
  clearProperties();
  let at = from;
  while (at < to) {
    if (at >= limit) return true;
    const id = bytes[at++]!;
    const size = sizeOf(bytes, at, limit, KINDS[id] ?? 0);
    if (size === UNKNOWN) return false;
    if (size === CUT || at + size > limit) return true;
    if (at + size > to) return false;
    take(bytes, at, size, id, fields);
    at += size;
  }
  return at === to;
}

const UNKNOWN = -1;
const CUT = -2;

/** Bytes of a value; CUT where its length is not there. */
function sizeOf(bytes: Uint8Array, at: number, limit: number, kind: number): number {
  switch (kind) {
    case 0:
      return UNKNOWN;
    case VARINT: {
      const value = readVarint(bytes, at, limit);
      return value >= 0 ? varintSize : value === INCOMPLETE ? CUT : UNKNOWN;
    }
    case TEXT:
      return at + 2 > limit ? CUT : 2 + u16be(bytes, at);
    case PAIR: {
      if (at + 2 > limit) return CUT;
      const value = at + 2 + u16be(bytes, at);
      return value + 2 > limit ? CUT : value + 2 + u16be(bytes, value) - at;
    }
    default:
      return kind;
  }
}

function take(bytes: Uint8Array, at: number, size: number, id: number, fields: ContextFields): void {
  if (id === USER_PROPERTY) {
    const nameEnd = at + 2 + u16be(bytes, at);
    const { contextHeaders } = properties;
    properties.contextHeaders = fields.add(contextHeaders, bytes, at + 2, nameEnd, nameEnd + 2, at + size);
  } else if (id === TOPIC_ALIAS) {
    properties.topicAlias = u16be(bytes, at);
  } else if (id === KEEP_ALIVE) {
    properties.serverKeepAlive = u16be(bytes, at);
  } else if (id === ASSIGNED_CLIENT_ID) {
    properties.clientId = boundedText(bytes, at + 2, at + size);
  }
}
