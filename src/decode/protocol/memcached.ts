import type { FifoDecoder, Step } from '../decoder.ts';
import type { Reader } from '../reader.ts';
import type { DecoderOptions } from './index.ts';
import { readBinaryRequest, readBinaryResponse } from './memcached-binary.ts';
import { describeMemcached } from './memcached-describe.ts';
import { Kind, type MemcachedRequest } from './memcached-message.ts';
import { MEMCACHED_STARTS, probeMemcached } from './memcached-probe.ts';
import { createSide, resetSide, type MemcachedState } from './memcached-side.ts';
import { readTextRequest, readTextResponse } from './memcached-text.ts';

/** Of a pipeline, or of the responses to one, that is copied: what is beyond it is found again where a call begins with one. */
const PIPELINE_BYTES = 65_536;

/**
 * Memcached: text protocol with the meta commands (doc/protocol.txt), and binary protocol (doc/protocol-binary.txt).
 *
 * Responses come in the order of the commands, hence `fifo`. A run of quiet commands and the one that ends it, which alone is sure to be
 * answered, are one request. A miss, a key that exists and an item that is not stored are answers, no errors. Not decoded: UDP, and values.
 */
export function createMemcached(options: DecoderOptions): FifoDecoder<MemcachedState> {
  const { queryText } = options;
  const limit = queryText.mode === 'off' ? 0 : queryText.limit;
  return {
    name: 'memcached',
    pairing: 'fifo',
    starts: MEMCACHED_STARTS,
    capture: { elide: true, budget: PIPELINE_BYTES },
    probe: probeMemcached,
    createState: () => ({ request: createSide(), response: createSide() }),
    read: (reader, isRequest, state, request) =>
      isRequest
        ? readRequest(reader, state, limit)
        : readResponse(reader, state, request as MemcachedRequest | undefined),
    reset: (state, isRequest) => resetSide(isRequest ? state.request : state.response),
    ended: (message, state, isRequest) => resetSide(isRequest ? state.request : state.response),
    abandoned: () => false,
    isPatient: (request) => (request as MemcachedRequest).kind === Kind.watch,
    mayBeAll: (request) => !(request as MemcachedRequest).ended,
    describe: (exchange) => describeMemcached(exchange, queryText),
  };
}

function readRequest(reader: Reader, { request: side }: MemcachedState, limit: number): Step {
  if (side.message === undefined) side.binary = isBinary(reader);
  return side.binary ? readBinaryRequest(reader, side, limit) : readTextRequest(reader, side, limit);
}

function readResponse(
  reader: Reader,
  { response: side }: MemcachedState,
  request: MemcachedRequest | undefined,
): Step {
  if (side.message === undefined) side.binary = isBinary(reader);
  return side.binary ? readBinaryResponse(reader, side, request) : readTextResponse(reader, side, request);
}

/** The first byte of every packet, which no line begins with. */
function isBinary({ bytes, at }: Reader): boolean {
  return bytes[at]! >= 0x80;
}
