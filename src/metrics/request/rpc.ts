import { duration, type Family } from './family.ts';

const CALL = ['rpc.system.name', 'rpc.method', 'rpc.response.status_code', 'error.type'];

/** Semantic conventions 1.44, RPC metrics. */
export const rpc: readonly Family[] = [
  {
    key: 'rpc.system.name',
    role: 'server',
    attributes: CALL,
    measures: [duration('rpc.server.call.duration', 'Duration of an incoming remote procedure call.')],
  },
  {
    key: 'rpc.system.name',
    role: 'client',
    attributes: [...CALL, 'service.peer.name', 'server.address', 'server.port'],
    measures: [duration('rpc.client.call.duration', 'Duration of an outgoing remote procedure call.')],
  },
];
