import { i32be, text, u16be, u64be } from '../bytes.ts';
import type { ContextHeaders } from '../context-headers.ts';
import { APIS_BY_KEY, Key, type Api } from './kafka-apis.ts';
import { Mark, NONE_UNSEEN, Walked, Walker, type Finder } from './kafka-layout.ts';
import { contextOf, countMessages, looksLikeRecords } from './kafka-records.ts';
import { Partitions, topicKey, TopicNames } from './kafka-topics.ts';
import type { MessageContext } from './message-context.ts';

/** Bytes of a frame's length, which does not count itself. */
export const FRAME_HEAD = 4;
/** The largest frame that a broker takes unless told otherwise (socket.request.max.bytes). */
export const MAX_FRAME = 104_857_600;
/** Length, key, version, id, length of the client's name. */
export const REQUEST_HEAD = 14;
/** Length and id. */
export const RESPONSE_HEAD = 8;
/** Bytes of a frame that are read. */
export const MAX_READ = 8192;
const MAX_CLIENT_ID = 255;
const MAX_NAME = 255;

export class KafkaRequest {
  readonly api: Api;
  readonly version: number;
  readonly clientId: string;
  group: string | undefined = undefined;
  /** Undefined: the request names none, or it is not known which. */
  partitions: Partitions | undefined = undefined;
  /** Undefined where it is not known; 0: nobody answers. */
  acks: number | undefined = undefined;
  /** Milliseconds that the broker may take. */
  waitMs = 0;
  /** Of a fetch session: 0 begins one, -1 is for none; more: only what changed is said. */
  epoch = -1;
  /** Another broker that copies. */
  replica = false;
  /** What an incremental fetch does not ask for any more. */
  forgotten: Partitions | undefined = undefined;
  /** Undefined where it is not known. */
  messages: number | undefined = undefined;
  contextHeaders: ContextHeaders | undefined = undefined;

  constructor(api: Api, version: number, clientId: string) {
    this.api = api;
    this.version = version;
    this.clientId = clientId;
  }
}

export class KafkaResponse {
  /** The first that is not 0. */
  errorCode = 0;
  /** Partitions with messages. */
  partitions: Partitions | undefined = undefined;
  messages: number | undefined = undefined;
  /** Of the first message that was written; -1 where it is not known. */
  offset = -1;
  /** All of it could be read. */
  whole = false;
}

/** What stands before a request's body; filled anew for each. */
export interface RequestHead {
  api: Api;
  version: number;
  id: number;
  clientFrom: number;
  clientTo: number;
}
export const head: RequestHead = { api: APIS_BY_KEY[0]!, version: 0, id: 0, clientFrom: 0, clientTo: 0 };
const walker = new Walker();

/** Fills `head` from the frame at `at`, as far as the bytes up to `limit` tell. False: they are no request. */
export function readHead(bytes: Uint8Array, at: number, limit: number): Walked {
  const available = limit - at;
  if (available < 6) return Walked.cut;
  const api = APIS_BY_KEY[u16be(bytes, at + 4)];
  if (api === undefined) return Walked.wrong;
  if (available < 8) return Walked.cut;
  head.version = u16be(bytes, at + 6);
  if (!api.hasVersion(head.version)) return Walked.wrong;
  if (available < REQUEST_HEAD) return Walked.cut;
  head.api = api;
  head.id = i32be(bytes, at + 8);
  const length = u16be(bytes, at + 12);
  if (head.id < 0 || (length > MAX_CLIENT_ID && length !== 0xffff)) return Walked.wrong;
  head.clientFrom = at + REQUEST_HEAD;
  head.clientTo = head.clientFrom + (length === 0xffff ? 0 : length);
  const frameEnd = at + FRAME_HEAD + i32be(bytes, at);
  if (head.clientTo > frameEnd) return Walked.wrong;
  return isPrintable(bytes, head.clientFrom, Math.min(head.clientTo, limit))
    ? head.clientTo > limit
      ? Walked.cut
      : Walked.whole
    : Walked.wrong;
}

function isPrintable(bytes: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (bytes[i]! < 0x20 || bytes[i]! === 0x7f) return false;
  return true;
}

/** Walks along the body of the request whose head was read last. `end`: that of its frame. `whole` if it ends where the frame ends. */
export function walkBody(bytes: Uint8Array, limit: number, end: number, finder: Finder): Walked {
  const { api, version, clientTo } = head;
  const structure = api.request(version);
  walker.start(bytes, clientTo, limit, end, api.isFlexible(version), finder);
  const tags = api.isFlexible(version) ? walker.skipTags() : Walked.whole;
  if (tags !== Walked.whole || structure === undefined) return tags === Walked.whole ? Walked.cut : tags;
  const walked = walker.walk(structure);
  if (walked !== Walked.whole) return walked;
  if (structure.open) return Walked.cut;
  return walker.at === end ? Walked.whole : Walked.wrong;
}

/** What is found in requests; one object for all. */
class RequestFinder implements Finder {
  readonly #context: MessageContext;
  #request = new KafkaRequest(APIS_BY_KEY[0]!, 0, '');
  #topic: string | undefined = undefined;
  #groups = 0;
  #keyType = 0;
  #key: string | undefined = undefined;
  #forgotten = false;
  /** Where the first records stand. */
  #records = -1;

  constructor(context: MessageContext) {
    this.#context = context;
  }

  start(request: KafkaRequest): this {
    this.#request = request;
    this.#topic = this.#key = undefined;
    this.#groups = this.#keyType = 0;
    this.#forgotten = false;
    this.#records = -1;
    return this;
  }

  take(mark: Mark, bytes: Uint8Array, at: number, to: number, limit: number): void {
    const request = this.#request;
    switch (mark) {
      case Mark.topic:
        this.#name(nameAt(bytes, at, to));
        break;
      case Mark.topicId:
        this.#name(topicKey(bytes, at));
        break;
      case Mark.partition:
        if (this.#topic !== undefined) this.#add(i32be(bytes, at));
        break;
      case Mark.records:
        this.#takeRecords(bytes, at, to, limit);
        break;
      case Mark.group:
        request.group = this.#groups++ === 0 ? nameAt(bytes, at, to) : undefined;
        break;
      case Mark.acks:
        request.acks = (u16be(bytes, at) << 16) >> 16;
        break;
      case Mark.forgotten:
        this.#forgotten = true;
        break;
      default:
        this.#takeRare(mark, bytes, at, to);
    }
  }

  #takeRare(mark: Mark, bytes: Uint8Array, at: number, to: number): void {
    const request = this.#request;
    if (mark === Mark.wait) request.waitMs = i32be(bytes, at);
    else if (mark === Mark.epoch) request.epoch = i32be(bytes, at);
    else if (mark === Mark.replica) request.replica = i32be(bytes, at) >= 0;
    else if (mark === Mark.keyType) this.#keyType = bytes[at]!;
    else if (mark === Mark.key) this.#key = this.#groups++ === 0 ? nameAt(bytes, at, to) : undefined;
  }

  #name(topic: string | undefined): void {
    if (topic === undefined) return;
    this.#topic = topic;
    this.#add(-1);
  }

  #add(partition: number): void {
    const request = this.#request;
    if (this.#forgotten) (request.forgotten ??= new Partitions()).add(this.#topic!, partition);
    else (request.partitions ??= new Partitions()).add(this.#topic!, partition);
  }

  #takeRecords(bytes: Uint8Array, at: number, to: number, limit: number): void {
    const request = this.#request;
    const messages = countMessages(bytes, at, to, limit);
    if (this.#records < 0) {
      this.#records = at;
      request.messages = messages < 0 ? undefined : messages;
    } else if (request.messages !== undefined) {
      request.messages = messages < 0 ? undefined : request.messages + messages;
    }
  }

  /** A batch of several messages belongs to as many traces. */
  end(bytes: Uint8Array, limit: number, walked: Walked): void {
    const request = this.#request;
    if (this.#keyType === 0 && this.#key !== undefined) request.group = this.#key;
    if (request.api.key === Key.fetch && request.version >= 15) request.replica = walker.hasTag(1);
    if (walked === Walked.cut && walker.unseen !== NONE_UNSEEN) {
      request.partitions?.miss(walker.unseen === 0);
      request.messages = undefined;
    }
    if (request.messages !== 1 || request.partitions?.partition === undefined) return;
    request.contextHeaders = contextOf(bytes, this.#records, limit, this.#context);
  }
}

/** What is found in responses; one object for all. */
class ResponseFinder implements Finder {
  readonly #names: TopicNames;
  #response = new KafkaResponse();
  #learns = false;
  #topic: string | undefined = undefined;
  #partition = -1;
  #messages = 0;

  constructor(names: TopicNames) {
    this.#names = names;
  }

  start(response: KafkaResponse, learns: boolean): this {
    this.#response = response;
    this.#learns = learns;
    this.#topic = undefined;
    this.#messages = 0;
    return this;
  }

  take(mark: Mark, bytes: Uint8Array, at: number, to: number, limit: number): void {
    const response = this.#response;
    switch (mark) {
      case Mark.error:
        if (response.errorCode === 0) response.errorCode = (u16be(bytes, at) << 16) >> 16;
        break;
      case Mark.topic:
        this.#topic = nameAt(bytes, at, to);
        break;
      case Mark.topicId:
        this.#takeId(topicKey(bytes, at));
        break;
      case Mark.partition:
        this.#partition = i32be(bytes, at);
        break;
      case Mark.records:
        this.#takeRecords(countMessages(bytes, at, to, limit));
        break;
      case Mark.offset:
        if (response.offset < 0 && bytes[at]! < 128) response.offset = u64be(bytes, at);
    }
  }

  #takeId(key: string | undefined): void {
    if (!this.#learns) this.#topic = key;
    else if (key !== undefined && this.#topic !== undefined) this.#names.learn(key, this.#topic);
    if (this.#learns) this.#topic = undefined;
  }

  #takeRecords(messages: number): void {
    if (messages !== 0 && this.#topic !== undefined)
      (this.#response.partitions ??= new Partitions()).add(this.#topic, this.#partition);
    this.#messages = messages < 0 || this.#messages < 0 ? -1 : this.#messages + messages;
  }

  end(walked: Walked): void {
    const response = this.#response;
    response.whole = walked === Walked.whole;
    if (response.whole && this.#messages >= 0) response.messages = this.#messages;
  }
}

/** Longer names than the protocol allows are none. */
function nameAt(bytes: Uint8Array, from: number, to: number): string | undefined {
  return to - from > MAX_NAME ? undefined : text(bytes, from, to);
}

/** Checks while it walks along a request whether it can be one. */
export class RequestCheck implements Finder {
  passes = true;

  take(mark: Mark, bytes: Uint8Array, at: number, to: number, limit: number): void {
    if (mark === Mark.topic || mark === Mark.group)
      this.passes &&= to - at <= MAX_NAME && isPrintable(bytes, at, to);
    else if (mark === Mark.records) this.passes &&= looksLikeRecords(bytes, at, to, limit);
  }
}

/** Makes messages of frames. */
export class KafkaMessages {
  readonly names = new TopicNames();
  readonly #requests: RequestFinder;
  readonly #responses: ResponseFinder;

  constructor(context: MessageContext) {
    this.#requests = new RequestFinder(context);
    this.#responses = new ResponseFinder(this.names);
  }

  /** The request whose head was read last; of a body that is not laid out as it should be only the head. */
  request(bytes: Uint8Array, limit: number, end: number): KafkaRequest {
    const { api, version, clientFrom, clientTo } = head;
    const clientId = text(bytes, clientFrom, clientTo);
    const request = new KafkaRequest(api, version, clientId);
    const finder = this.#requests.start(request);
    const walked = walkBody(bytes, limit, end, finder);
    if (walked === Walked.wrong) return new KafkaRequest(api, version, clientId);
    finder.end(bytes, limit, walked);
    return request;
  }

  /** The response in the frame at `at`, to `request`. */
  response(bytes: Uint8Array, at: number, limit: number, end: number, request: KafkaRequest): KafkaResponse {
    const { api, version } = request;
    const response = new KafkaResponse();
    const structure = api.response(version);
    if (structure === undefined) return response;
    const learns =
      api.key === Key.metadata || api.key === Key.createTopics || api.key === Key.describeTopicPartitions;
    const finder = this.#responses.start(response, learns);
    const flexible = api.isFlexible(version);
    walker.start(bytes, at + RESPONSE_HEAD, limit, end, flexible, finder);
    // Whoever asks for the versions does not know them yet: the head of the answer is always the old one (KIP-511).
    const tags = flexible && api.key !== Key.apiVersions ? walker.skipTags() : Walked.whole;
    finder.end(tags === Walked.whole ? walker.walk(structure) : tags);
    return response;
  }
}
