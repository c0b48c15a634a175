import type { Description } from '../../decode/exchange.ts';
import type { Connection } from '../../connection/connection.ts';
import { isParameter } from '../../enrich/route.ts';

/** Kinds of calls that one process has. */
const MAX_KINDS = 32;
/** Kinds that one destination may have, before they are one. */
const MAX_PATHS = 12;
const MAX_SEGMENTS = 4;

/** Tells the calls of a process apart by what they ask for: destination, method and the shape of the path. */
export class Kinds {
  readonly #numbers = new Map<string, number>();
  readonly #paths = new Map<string, number>();

  /** Undefined where there are too many kinds. */
  of(connection: Connection, { name, path, attributes }: Description): number | undefined {
    const address = attributes['server.address'] ?? connection.remoteAddress;
    const port = attributes['server.port'] ?? connection.remotePort;
    const destination = `${address as string}:${port as number} ${name}`;
    const whole = path === undefined ? destination : `${destination} ${shapeOf(path)}`;
    const known = this.#numbers.get(whole) ?? this.#numbers.get(destination);
    if (known !== undefined) return known;
    const paths = (this.#paths.get(destination) ?? 0) + 1;
    if (this.#numbers.size >= MAX_KINDS) return undefined;
    this.#paths.set(destination, paths);
    const number = this.#numbers.size;
    this.#numbers.set(paths > MAX_PATHS ? destination : whole, number);
    return number;
  }
}

/** `/orders/{}/items`. */
function shapeOf(path: string): string {
  const segments = path.split('/', MAX_SEGMENTS + 1);
  return segments.map((segment) => (isParameter(segment) ? '{}' : segment)).join('/');
}
