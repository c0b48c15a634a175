import type { ContextHeaders } from '../context-headers.ts';
import type { Description, Exchange } from '../exchange.ts';
import type { Consumer } from './amqp-state.ts';
import { describeMessaging, directionOf, fail, type DestinationNames } from './messaging.ts';

/** What begins an exchange. What answers it may say more of it. */
export interface AmqpRequest {
  /** `send`, `deliver`, `receive` and `return` are about messages; others are calls: `queue.declare`. */
  readonly operation: string;
  readonly fromClient: boolean;
  readonly channel: number;
  destination: string;
  routingKey: string;
  /** 0: none. */
  deliveryTag: number;
  clientId: string;
  bodySize: number;
  messageId: string;
  correlationId: string;
  contextHeaders: ContextHeaders | undefined;
  /** What it says itself of a failure. */
  readonly errorType: string | undefined;
  /** Of a call: what answers it, and how often frames of the server had been lost before. */
  readonly replies: readonly number[];
  readonly losses: number;
  /** Of basic.consume. */
  readonly consumer: Consumer | undefined;
}
export interface AmqpResponse {
  errorType: string | undefined;
}

/** Queues that the server names, and the pseudo-queue of direct replies. */
const GENERATED = /(?:^|:)amq\.(?:gen-|rabbitmq\.reply-to)/;

/** AMQP 0-9-1 spans by the conventions for RabbitMQ; see docs/protocols/amqp.md for names and kinds. */
export function describeAmqp(exchange: Exchange, names: DestinationNames): Description {
  const request = exchange.request as AmqpRequest;
  const response = exchange.response as AmqpResponse | undefined;
  const asks = exchange.role === 'client';
  const { fromClient, destination, clientId, bodySize } = request;
  const description = describeMessaging(
    exchange,
    {
      system: 'rabbitmq',
      ...kindOf(request, asks),
      generated: GENERATED.test(destination) ? 'anonymous' : undefined,
      destination,
      clientId,
      bodySize,
      isClient: asks === fromClient,
    },
    names,
  );
  addAttributes(description, request);
  description.contextHeaders = request.contextHeaders;
  return fail(description, exchange.failure ?? response?.errorType ?? request.errorType);
}

function addAttributes({ attributes }: Description, request: AmqpRequest): void {
  const { routingKey, deliveryTag, messageId, correlationId } = request;
  attributes['network.protocol.name'] = 'amqp';
  attributes['network.protocol.version'] = '0-9-1';
  if (routingKey !== '') attributes['messaging.rabbitmq.destination.routing_key'] = routingKey;
  if (deliveryTag !== 0) attributes['messaging.rabbitmq.message.delivery_tag'] = deliveryTag;
  if (messageId !== '') attributes['messaging.message.id'] = messageId;
  if (correlationId !== '') attributes['messaging.message.conversation_id'] = correlationId;
}

function kindOf({ operation, fromClient }: AmqpRequest, asks: boolean): ReturnType<typeof directionOf> {
  switch (operation) {
    case 'send':
    case 'deliver':
      return directionOf(fromClient, asks);
    case 'receive':
      return { name: 'receive', type: 'receive', kind: undefined };
    default:
      return { name: operation, type: undefined, kind: undefined };
  }
}

/** Parts that are there, the queue only where it is not the routing key; a publish to the default exchange without a key has a name, too. */
export function destinationOf(exchange: string, routingKey: string, queue: string): string {
  const parts = [exchange, routingKey, queue === routingKey ? '' : queue];
  return parts.filter((part) => part !== '').join(':') || 'amq.default';
}
