import { connectionAttributes } from '../connection-attributes.ts';
import type { Attributes, Description, Exchange } from '../exchange.ts';
import { Key } from './kafka-apis.ts';
import { errorName } from './kafka-errors.ts';
import type { KafkaRequest, KafkaResponse } from './kafka-message.ts';
import type { Partitions, TopicNames } from './kafka-topics.ts';

/** What the messaging conventions call operations. */
interface Operation {
  readonly name: string;
  readonly type: string;
}
const OPERATIONS: ReadonlyMap<number, Operation> = new Map([
  [Key.produce, { name: 'send', type: 'send' }],
  [Key.fetch, { name: 'poll', type: 'receive' }],
  [Key.shareFetch, { name: 'poll', type: 'receive' }],
  [Key.offsetCommit, { name: 'commit', type: 'settle' }],
]);

/** Kafka spans by the semantic conventions 1.44. */
export function describeKafka(exchange: Exchange, names: TopicNames): Description {
  const request = exchange.request as KafkaRequest;
  const response = exchange.response as KafkaResponse | undefined;
  const operation = request.replica ? undefined : OPERATIONS.get(request.api.key);
  const attributes = connectionAttributes(exchange);
  attributes['messaging.system'] = 'kafka';
  attributes['messaging.operation.name'] = operation?.name ?? request.api.name;
  if (operation) attributes['messaging.operation.type'] = operation.type;
  if (request.clientId !== '') attributes['messaging.client.id'] = request.clientId;
  if (request.group !== undefined) attributes['messaging.consumer.group.name'] = request.group;
  const topic = addDestination(attributes, partitionsOf(exchange, request, response), names);
  addMessages(attributes, request, response);
  const failed = response !== undefined && response.errorCode !== 0;
  const errorType = exchange.failure ?? (failed ? errorName(response.errorCode) : undefined);
  const name = operation?.name ?? request.api.name;
  const description: Description = {
    name: operation === undefined || topic === undefined ? name : `${name} ${topic}`,
    attributes,
    errorType,
    contextHeaders: request.contextHeaders,
  };
  if (request.api.key === Key.produce && exchange.role === 'client') description.kind = 'producer';
  return description;
}

/**
 * Of a fetch those that messages came from, if any did, else those asked for. Where messages may have come unseen, only what is the same for all of
 * these.
 */
function partitionsOf(
  { incomplete }: Exchange,
  request: KafkaRequest,
  response: KafkaResponse | undefined,
): Partitions | undefined {
  const { key } = request.api;
  const asked = request.partitions;
  if (key !== Key.fetch && key !== Key.shareFetch) return asked;
  const seen = response === undefined ? incomplete === undefined : response.whole;
  return seen ? (response?.partitions ?? asked) : asked?.common;
}

/** Returns the topic where there is only one. */
function addDestination(
  attributes: Attributes,
  partitions: Partitions | undefined,
  names: TopicNames,
): string | undefined {
  if (partitions === undefined) return undefined;
  const { topic, partition } = partitions;
  if (topic === undefined) {
    const known = partitions.topics.map((key) => names.nameOf(key)).filter((name) => name !== undefined);
    if (known.length > 0) attributes['undertrace.kafka.topics'] = known;
    return undefined;
  }
  const name = names.nameOf(topic);
  if (name !== undefined) attributes['messaging.destination.name'] = name;
  if (name !== undefined && partition !== undefined)
    attributes['messaging.destination.partition.id'] = String(partition);
  return name;
}

function addMessages(
  attributes: Attributes,
  request: KafkaRequest,
  response: KafkaResponse | undefined,
): void {
  const { key } = request.api;
  const receives = key === Key.fetch || key === Key.shareFetch;
  const messages = receives ? response?.messages : request.messages;
  if (messages === undefined) return;
  attributes['messaging.batch.message_count'] = messages;
  const written = !receives && messages === 1 && response !== undefined && response.offset >= 0;
  if (written) attributes['messaging.kafka.offset'] = response.offset;
}
