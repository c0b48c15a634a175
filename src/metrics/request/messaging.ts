import { duration, type Family } from './family.ts';

/** Semantic conventions 1.44, Messaging client metrics. */
export const messaging: readonly Family[] = [
  {
    key: 'messaging.system',
    role: 'client',
    attributes: [
      ...[
        'messaging.system',
        'messaging.operation.name',
        'messaging.operation.type',
        'messaging.destination.name',
      ],
      ...[
        'messaging.consumer.group.name',
        'error.type',
        'service.peer.name',
        'server.address',
        'server.port',
      ],
    ],
    measures: [
      duration(
        'messaging.client.operation.duration',
        'Duration of messaging operation initiated by a producer or consumer client.',
      ),
    ],
  },
];
