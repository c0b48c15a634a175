import { duration, type Family } from './family.ts';

/** Semantic conventions 1.44, Database client metrics. They know the client's end alone; the server's is in the span metrics. */
export const database: readonly Family[] = [
  {
    key: 'db.system.name',
    role: 'client',
    attributes: [
      ...['db.system.name', 'db.namespace', 'db.operation.name', 'db.collection.name', 'db.query.summary'],
      ...['db.response.status_code', 'error.type', 'service.peer.name', 'server.address', 'server.port'],
    ],
    measures: [duration('db.client.operation.duration', 'Duration of database client operations.')],
  },
];
