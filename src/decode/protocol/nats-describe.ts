import type { ContextHeaders } from '../context-headers.ts';
import type { Description, Exchange } from '../exchange.ts';
import { describeMessaging, directionOf, fail, type DestinationNames } from './messaging.ts';

/** What begins an exchange. */
export interface NatsRequest {
  readonly operation: 'connect' | 'send' | 'request' | 'ack' | 'subscribe' | 'error';
  readonly fromClient: boolean;
  /** Subject, '' where there is none. */
  readonly destination: string;
  /** Queue group of a subscription. */
  readonly group: string;
  clientId: string;
  readonly contextHeaders: ContextHeaders | undefined;
  /** Of the message; -1 of others. */
  readonly bodySize: number;
  /** Of -ERR that belongs to nothing else. */
  readonly errorType: string | undefined;
}
export interface NatsResponse {
  errorType: string | undefined;
}

/** Subjects that are made for one reply. */
export const INBOX = '_INBOX.';

/** NATS spans by the conventions for messaging; see docs/protocols/nats.md for names and kinds. */
export function describeNats(exchange: Exchange, names: DestinationNames): Description {
  const request = exchange.request as NatsRequest;
  const response = exchange.response as NatsResponse | undefined;
  const asks = exchange.role === 'client';
  const { fromClient, destination, clientId, bodySize, group } = request;
  const description = describeMessaging(
    exchange,
    {
      system: 'nats',
      ...kindOf(request, asks),
      generated: destination.startsWith(INBOX) ? 'temporary' : undefined,
      destination,
      clientId,
      bodySize,
      isClient: asks === fromClient,
    },
    names,
  );
  const { attributes } = description;
  attributes['network.protocol.name'] = 'nats';
  if (group !== '') attributes['messaging.consumer.group.name'] = group;
  description.contextHeaders = request.contextHeaders;
  return fail(description, exchange.failure ?? response?.errorType ?? request.errorType);
}

type Kind = ReturnType<typeof directionOf>;

function kindOf({ operation, fromClient }: NatsRequest, asks: boolean): Kind {
  switch (operation) {
    case 'send':
      return directionOf(fromClient, asks);
    case 'request':
      return fromClient ? { name: 'request', type: 'send', kind: undefined } : directionOf(false, asks);
    case 'ack':
      return { name: 'ack', type: 'settle', kind: undefined };
    default:
      return { name: operation, type: undefined, kind: undefined };
  }
}
