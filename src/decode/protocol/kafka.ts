import { i32be } from '../bytes.ts';
import { Step, type IdDecoder } from '../decoder.ts';
import type { Frames } from '../frames.ts';
import { Match } from '../pairing.ts';
import type { Reader } from '../reader.ts';
import type { DecoderOptions } from './index.ts';
import { Key } from './kafka-apis.ts';
import { describeKafka } from './kafka-describe.ts';
import { Walked } from './kafka-layout.ts';
import {
  FRAME_HEAD,
  head,
  KafkaMessages,
  MAX_FRAME,
  MAX_READ,
  readHead,
  RESPONSE_HEAD,
  type KafkaRequest,
} from './kafka-message.ts';
import { probeKafka } from './kafka-probe.ts';
import type { Partitions } from './kafka-topics.ts';
import { MessageContext } from './message-context.ts';
import { BURSTS } from './messaging.ts';

/** A broker that may take so long is waited for without end. */
const PATIENT_MS = 30_000;

interface KafkaState {
  /** What the fetch session asks for (KIP-227): requests say what changes. Undefined: there is none, or it is not known. */
  session: Partitions | undefined;
  /** SaslHandshake 0 was asked for: frames without a head may follow, in both directions. */
  rawSasl: boolean;
  /** Responses were lost: the next one that is found must answer something. */
  strays: boolean;
}

/**
 * Kafka, from 0.8 to 4.4. https://kafka.apache.org/protocol
 *
 *   request = length:4 key:2 version:2 id:4 clientId [tags] body        response = length:4 id:4 [tags] body
 *
 * A body's layout is that of its key and version, a response's that of its request. Of every frame the first 8 KiB are read. A Produce request
 * that wants no acknowledgement is not answered. Spans say topics, partitions, groups, numbers of messages and the first error code of a response.
 * Not decoded: keys and values of messages, headers of messages that are compressed or not alone in their request, SASL's tokens.
 */
export function createKafka(options: DecoderOptions): IdDecoder<KafkaState> {
  const messages = new KafkaMessages(new MessageContext(options.requestIdHeaders));
  return {
    name: 'kafka',
    pairing: 'id',
    idsReturn: false,
    starts: [],
    capture: BURSTS,
    probe: probeKafka,
    createState: () => ({ session: undefined, rawSasl: false, strays: false }),
    lasting: ({ session, rawSasl, strays }) => session !== undefined || rawSasl || strays,
    read(reader, fromClient, state, frames) {
      const { bytes, at, limit, available, blocked } = reader;
      if (available < FRAME_HEAD) return Step.more;
      const length = i32be(bytes, at);
      if (length < 0 || length > MAX_FRAME) return Step.malformed;
      const end = at + FRAME_HEAD + length;
      const needed = Math.min(end, at + MAX_READ);
      if (fromClient) {
        const known = readHead(bytes, at, Math.min(limit, end));
        if (known === Walked.wrong || length < RESPONSE_HEAD)
          return state.rawSasl ? skip(reader, length) : Step.malformed;
        if ((limit < needed && !blocked) || known === Walked.cut) return Step.more;
        return readRequest(reader, Math.min(limit, needed), end, state, frames, messages);
      }
      if (limit < needed && !blocked) return Step.more;
      return readResponse(reader, Math.min(limit, needed), end, state, frames, messages);
    },
    lost(state, fromClient) {
      if (fromClient) state.session = undefined;
      else state.strays = true;
    },
    describe: (exchange) => describeKafka(exchange, messages.names),
  };
}

/** A frame that says nothing. */
function skip(reader: Reader, length: number): Step {
  reader.skip(FRAME_HEAD + length);
  return Step.end;
}

function readRequest(
  reader: Reader,
  limit: number,
  end: number,
  state: KafkaState,
  frames: Frames,
  messages: KafkaMessages,
): Step {
  const { bytes, at } = reader;
  const { id } = head;
  const request = messages.request(bytes, limit, end);
  const { key } = request.api;
  state.rawSasl ||= key === Key.saslHandshake && request.version === 0;
  if (key === Key.fetch || key === Key.shareFetch) followSession(request, state);
  if (request.acks === 0) frames.oneWay(request);
  else frames.request(id, request).patient = isPatient(request);
  return skip(reader, end - at - FRAME_HEAD);
}

/** Members of a group that others are waited for may wait for minutes. */
function isPatient({ api, waitMs }: KafkaRequest): boolean {
  return waitMs >= PATIENT_MS || api.key === Key.joinGroup || api.key === Key.syncGroup;
}

/** An incremental fetch asks for what the session asks for. */
function followSession(request: KafkaRequest, state: KafkaState): void {
  const { epoch, partitions, forgotten } = request;
  if (epoch > 0) {
    const changes = partitions !== undefined || forgotten !== undefined;
    if (changes) state.session = state.session?.changed(partitions, forgotten);
    request.partitions = state.session;
  } else {
    state.session = epoch === 0 ? partitions : undefined;
  }
}

function readResponse(
  reader: Reader,
  limit: number,
  end: number,
  state: KafkaState,
  frames: Frames,
  messages: KafkaMessages,
): Step {
  const { bytes, at } = reader;
  const length = end - at - FRAME_HEAD;
  if (length < FRAME_HEAD || limit - at < RESPONSE_HEAD)
    return state.rawSasl ? skip(reader, length) : Step.malformed;
  const exchange = frames.answered(i32be(bytes, at + FRAME_HEAD), !state.strays && !state.rawSasl);
  if (exchange === Match.wait) return Step.wait;
  if (exchange === Match.orphan)
    return state.strays && !state.rawSasl ? Step.malformed : skip(reader, length);
  state.strays = false;
  const request = exchange.request as KafkaRequest;
  if (request.api.key !== Key.saslHandshake) state.rawSasl = false;
  exchange.response = messages.response(bytes, at, limit, end, request);
  frames.end(exchange);
  return skip(reader, length);
}
