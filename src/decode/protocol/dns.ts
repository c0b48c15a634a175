import { connectionAttributes } from '../connection-attributes.ts';
import { u16be } from '../bytes.ts';
import { Claim, Step, type DatagramDecoder, type IdDecoder } from '../decoder.ts';
import type { Description, Exchange } from '../exchange.ts';
import type { Frames } from '../frames.ts';
import type { Reader } from '../reader.ts';
import { mayBeDns, readDns, type DnsMessage } from './dns-message.ts';

const PORTS = new Set([53, 5353]);
const MIN_MESSAGE = 12;
/** A zone is told in as many messages as it takes. */
const TRANSFERS = new Set(['AXFR', 'IXFR']);
/** The server could not do its work; the other codes are what it has to say. */
const SERVER_ERRORS = new Set(['FORMERR', 'SERVFAIL', 'NOTIMP']);

/**
 * DNS over TCP (RFC 1035, 4.2.2; RFC 7766): u16 length, then a message. Any number of queries may be open, their answers come in any order.
 */
export function createDns(): IdDecoder<undefined> {
  return {
    name: 'dns',
    pairing: 'id',
    idsReturn: true,
    starts: [],
    capture: { elide: false },
    probe,
    createState: () => undefined,
    read,
    lost: () => undefined,
    describe,
  };
}

/** DNS over UDP. A query that is asked again with the same id before it was answered is one exchange. */
export function createDnsDatagrams(): DatagramDecoder {
  return {
    name: 'dns',
    readDatagram(bytes, from, to, cut, port) {
      const message = readDns(bytes, from, to, cut, PORTS.has(port));
      return message && { isRequest: message.isRequest, id: message.id, message };
    },
    describe,
  };
}

/** A whole message is sure, since everything in it agrees; of one that is longer than what can be had, its head and its question are. */
function probe(bytes: Uint8Array, from: number, to: number, final: boolean): Claim {
  if (to - from < 2) return final ? Claim.no : Claim.more;
  const length = u16be(bytes, from);
  const start = from + 2;
  const end = Math.min(to, start + length);
  if (length < MIN_MESSAGE || !mayBeDns(bytes, start, end, length)) return Claim.no;
  const whole = start + length <= to;
  const message = whole || final ? readDns(bytes, start, end, !whole, false) : undefined;
  if (message) return message.isRequest ? Claim.request : Claim.response;
  return whole || final ? Claim.no : Claim.more;
}

function read(reader: Reader, _fromClient: boolean, _state: undefined, frames: Frames): Step {
  const { bytes, at, limit, blocked } = reader;
  if (limit - at < 2) return Step.more;
  const length = u16be(bytes, at);
  const end = at + 2 + length;
  if (length < MIN_MESSAGE) return Step.malformed;
  if (end > limit && !blocked) return Step.more;
  const message = readDns(bytes, at + 2, Math.min(end, limit), end > limit, true);
  if (!message) return end > limit ? Step.more : Step.malformed;
  if (message.isRequest) {
    frames.request(message.id, message);
  } else {
    const exchange = frames.answered(message.id, true);
    if (exchange === 'wait') return Step.wait;
    if (exchange !== 'orphan') {
      exchange.response ??= message;
      const transfers = TRANSFERS.has((exchange.request as DnsMessage).type);
      if (!transfers || message.endsWithSoa || message.rcode !== 'NOERROR') frames.end(exchange);
    }
  }
  reader.skip(2 + length);
  return Step.end;
}

/** There is no convention for spans of DNS: the name is `DNS` and the type asked for, since names that are asked for are too many. */
function describe(exchange: Exchange): Description {
  const { operation, name, type } = exchange.request as DnsMessage;
  const response = exchange.response as DnsMessage | undefined;
  const attributes = connectionAttributes(exchange);
  if (name !== '') attributes['dns.question.name'] = name;
  if (type !== '') attributes['undertrace.dns.question.type'] = type;
  if (response) {
    attributes['undertrace.dns.response.code'] = response.rcode;
    if (response.answers.length > 0) attributes['dns.answers'] = [...response.answers];
    if (response.truncated) attributes['undertrace.dns.truncated'] = true;
  }
  return {
    name: `DNS ${operation === 'QUERY' ? type : operation}`,
    attributes,
    errorType: exchange.failure ?? errorOf(response, exchange.role === 'client'),
  };
}

/** A server has done its work when it says that a name does not exist. */
function errorOf(response: DnsMessage | undefined, client: boolean): string | undefined {
  if (!response || response.rcode === 'NOERROR') return undefined;
  return client || SERVER_ERRORS.has(response.rcode) ? response.rcode : undefined;
}
