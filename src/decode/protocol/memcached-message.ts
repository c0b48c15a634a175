/** Which responses a command has. */
export const Kind = {
  /** Any line, or lines up to `END`. */
  other: 0,
  retrieve: 1,
  store: 2,
  delete: 3,
  touch: 4,
  arithmetic: 5,
  meta: 6,
  /** `mn`, and NOOP of the binary protocol: ends a run of quiet commands. */
  noop: 7,
  watch: 8,
  /** Nobody answers. */
  quit: 9,
} as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

/** One command, or a run of quiet ones and the one that ends it. */
export interface MemcachedRequest {
  /** As in the text protocol; '' where it is not known. Of a run the command that all of it has, or ''. */
  operation: string;
  /** Commands, without the no-op that ends a run. */
  count: number;
  /** Of the last command. */
  kind: Kind;
  /** Keys that values were asked for; -1 where not all of them were seen. */
  keys: number;
  /** What `db.query.text` is made of: the commands as they were sent, without values, a line each; of the binary protocol as it is shown. */
  lines: string;
  binary: boolean;
  /** Quiet commands, which are answered only where there is something to say. */
  quiet: boolean;
  /** The last command has come; of a run, the one that ends it. */
  ended: boolean;
  /** Of the text protocol's last command: what its response can be told by, `O` and `k` with their values. */
  mark: string;
  /** Of the binary protocol's last command. */
  opcode: number;
}

export interface MemcachedResponse {
  /** Values that came; those asked for by a key each that were not there are the misses. */
  hits: number;
  /** First error. */
  status: string | undefined;
}

/** Adds one command to what was read of the request. */
export function addCommand(request: MemcachedRequest, operation: string, kind: Kind, keys: number): void {
  request.kind = kind;
  if (kind === Kind.noop && request.count > 0) return;
  if (request.count > 0 && request.operation !== operation) request.operation = '';
  else request.operation = operation;
  request.count++;
  if (keys < 0 || request.keys < 0) request.keys = -1;
  else request.keys += keys;
}

export function createMemcachedRequest(binary: boolean): MemcachedRequest {
  return {
    operation: '',
    count: 0,
    kind: Kind.other,
    keys: 0,
    lines: '',
    binary,
    quiet: false,
    ended: false,
    mark: '',
    opcode: 0,
  };
}
