/** Methods as class and method id in one number (AMQP 0-9-1, and RabbitMQ's extensions). */
export const Method = {
  connectionStart: 0x0a0a,
  connectionStartOk: 0x0a0b,
  connectionOpenOk: 0x0a29,
  connectionClose: 0x0a32,
  connectionCloseOk: 0x0a33,
  channelOpen: 0x140a,
  channelFlow: 0x1414,
  channelClose: 0x1428,
  channelCloseOk: 0x1429,
  queueDeclareOk: 0x320b,
  basicConsume: 0x3c14,
  basicConsumeOk: 0x3c15,
  basicCancel: 0x3c1e,
  basicPublish: 0x3c28,
  basicReturn: 0x3c32,
  basicDeliver: 0x3c3c,
  basicGet: 0x3c46,
  basicGetOk: 0x3c47,
  basicAck: 0x3c50,
  basicReject: 0x3c5a,
  basicNack: 0x3c78,
  confirmSelect: 0x550a,
} as const;

/** A method that is answered, and where its fields say what it is about. */
export interface Call {
  /** `queue.declare`. */
  readonly name: string;
  /** What answers it. */
  readonly replies: readonly number[];
  /** Texts before the bits; the first is the destination where `named`. */
  readonly texts: number;
  /** Two reserved bytes are in front of them. */
  readonly reserved: boolean;
  readonly named: boolean;
  /** The bit that says that no answer is wanted. */
  readonly noWait: number;
}

function call(name: string, replies: number[], texts: number, noWait: number, reserved = true): Call {
  return { name, replies, texts, reserved, named: texts > 0 && reserved, noWait };
}

/** Methods of the client that are answered. */
export const CALLS: ReadonlyMap<number, Call> = new Map<number, Call>([
  [Method.connectionClose, call('connection.close', [Method.connectionCloseOk], 0, 0)],
  [0x0a46, call('connection.update-secret', [0x0a47], 0, 0)],
  [Method.channelOpen, call('channel.open', [0x140b], 0, 0)],
  [Method.channelClose, call('channel.close', [Method.channelCloseOk], 0, 0)],
  [0x280a, call('exchange.declare', [0x280b], 2, 0x10)],
  [0x2814, call('exchange.delete', [0x2815], 1, 2)],
  [0x281e, call('exchange.bind', [0x281f], 3, 1)],
  [0x2828, call('exchange.unbind', [0x2833], 3, 1)],
  [0x320a, call('queue.declare', [Method.queueDeclareOk], 1, 0x10)],
  [0x3214, call('queue.bind', [0x3215], 3, 1)],
  [0x321e, call('queue.purge', [0x321f], 1, 1)],
  [0x3228, call('queue.delete', [0x3229], 1, 4)],
  [0x3232, call('queue.unbind', [0x3233], 3, 0)],
  [0x3c0a, call('basic.qos', [0x3c0b], 0, 0)],
  [Method.basicConsume, call('basic.consume', [Method.basicConsumeOk], 2, 8)],
  [Method.basicCancel, call('basic.cancel', [0x3c1f], 1, 1, false)],
  [Method.basicGet, call('receive', [Method.basicGetOk, 0x3c48], 1, 0)],
  [0x3c6e, call('basic.recover', [0x3c6f], 0, 0)],
  [Method.confirmSelect, call('confirm.select', [0x550b], 0, 1)],
  [0x5a0a, call('tx.select', [0x5a0b], 0, 0)],
  [0x5a14, call('tx.commit', [0x5a15], 0, 0)],
  [0x5a1e, call('tx.rollback', [0x5a1f], 0, 0)],
]);

const CLIENT = 1;
const SERVER = 2;
const BOTH = 3;

/** Who may send a method: 1 client, 2 server. */
const SENDERS = new Map<number, number>([
  ...[...CALLS.keys()].map((method): [number, number] => [method, CLIENT]),
  ...[...CALLS.values()].flatMap(({ replies }) =>
    replies.map((method): [number, number] => [method, SERVER]),
  ),
  [Method.connectionStart, SERVER],
  [Method.connectionStartOk, CLIENT],
  [0x0a14, SERVER], // secure
  [0x0a15, CLIENT],
  [0x0a1e, SERVER], // tune
  [0x0a1f, CLIENT],
  [0x0a28, CLIENT], // open
  [Method.connectionOpenOk, SERVER],
  [Method.connectionClose, BOTH],
  [Method.connectionCloseOk, BOTH],
  [0x0a3c, SERVER], // blocked, unblocked
  [0x0a3d, SERVER],
  [Method.channelFlow, BOTH],
  [0x1415, BOTH],
  [Method.channelClose, BOTH],
  [Method.channelCloseOk, BOTH],
  [Method.basicCancel, BOTH],
  [0x3c1f, BOTH],
  [Method.basicPublish, CLIENT],
  [Method.basicReturn, SERVER],
  [Method.basicDeliver, SERVER],
  [Method.basicAck, BOTH],
  [Method.basicReject, CLIENT],
  [0x3c64, CLIENT], // recover-async
  [Method.basicNack, BOTH],
]);

/** 0 where there is no such method. */
export function sendersOf(method: number): number {
  return SENDERS.get(method) ?? 0;
}

const REPLIES: ReadonlySet<number> = new Set([...CALLS.values()].flatMap(({ replies }) => replies));

export function isReply(method: number): boolean {
  return REPLIES.has(method);
}
