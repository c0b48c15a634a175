import { Fifo } from '../base/fifo.ts';
import { SlotMap } from '../base/slot-map.ts';
import { type Group, NO_PENDING, type Pending, currentGroup } from './pending.ts';

export interface AssemblerOptions {
  /** How long the closed exchanges of a trace wait for an end that has not been seen or is still open. */
  traceWaitNs: number;
  /** The same for clients alone: the server's records come before the response does, so that silence soon means it is not on this host. */
  clientWaitNs: number;
  /** A trace with so many closed exchanges leaves at once. */
  maxTraceSpans: number;
  /** So many closed exchanges may wait in all; beyond it the trace that has waited longest leaves. */
  maxWaiting: number;
}

export const ASSEMBLER_DEFAULTS: AssemblerOptions = {
  traceWaitNs: 500_000_000,
  clientWaitNs: 100_000_000,
  maxTraceSpans: 1000,
  maxWaiting: 16_384,
};

/**
 * Keeps closed exchanges until their trace is whole, within bounds, and hands them over, parents before children.
 *
 * A trace is whole when none of its exchanges is open and both ends of each hop have been seen. What comes after its trace has left goes
 * alone: its ids are the same, since they follow from hop keys and headers and not from the grouping.
 */
export class Assembler {
  /** Traces that left before they were whole because of a bound other than time. */
  cutShort = 0;
  /** Traces that left in parts because one of their exchanges was still open when the others had waited long enough. */
  overdue = 0;
  /** Closed exchanges that wait. */
  waiting = 0;
  readonly #options: AssemblerOptions;
  /** Takes a trace's exchanges; false when a service's identity is not known yet and it is to be offered again. */
  readonly #handOver: (trace: Pending[], last: boolean) => boolean;
  readonly #byTraceId = new SlotMap<string, Group>();
  #ready: Group[] = [];
  #nowNs = 0;
  /** Groups by deadline, one queue a length of wait, so that each is in order. */
  readonly #clients = new Fifo<Group>();
  readonly #others = new Fifo<Group>();

  constructor(options: Partial<AssemblerOptions>, handOver: (trace: Pending[], last: boolean) => boolean) {
    this.#options = { ...ASSEMBLER_DEFAULTS, ...options };
    this.#handOver = handOver;
  }

  /** Makes two groups one, unless they carry different trace ids. */
  merge(one: Group, other: Group): void {
    const a = currentGroup(one);
    const b = currentGroup(other);
    if (a === b || (a.traceId !== undefined && b.traceId !== undefined && a.traceId !== b.traceId)) return;
    const [into, from] = a.closed.length < b.closed.length ? [b, a] : [a, b];
    if (from.closed.length > 0) into.closed.push(...from.closed);
    into.open += from.open;
    into.loneClients += from.loneClients;
    into.loneServers += from.loneServers;
    into.unexplained += from.unexplained;
    from.closed = NO_PENDING;
    from.mergedInto = into;
    if (from.traceId !== undefined) {
      into.traceId = from.traceId;
      this.#byTraceId.set(from.traceId, into);
    }
    if (into.ready || into.closed.length === 0) return;
    if (from.ready) this.#makeReady(into);
    else if (!into.queued) this.#enqueue(into, clientsOnly(into));
  }

  /** Joins a group with others whose requests carried the same trace id. */
  named(group: Group, traceId: string): void {
    const current = currentGroup(group);
    const other = this.#byTraceId.get(traceId);
    if (other !== undefined) {
      this.merge(other, current);
    } else if (current.traceId === undefined) {
      current.traceId = traceId;
      this.#byTraceId.set(traceId, current);
    }
  }

  /** One exchange of the group has been closed. */
  closed(pending: Pending): void {
    const group = currentGroup(pending.group!);
    group.open--;
    const { closed } = group;
    if (closed.length === 0) group.closed = [pending];
    else if (closed.length === 1) group.closed = [closed[0]!, pending];
    else closed.push(pending);
    this.waiting++;
    this.settle(group);
    if (this.waiting > this.#options.maxWaiting) this.#makeRoom();
  }

  /** Looks whether a group can leave, or when. */
  settle(group: Group): void {
    if (group.closed.length === 0) {
      if (group.open === 0) this.#forget(group);
      return;
    }
    if (group.ready) return;
    const full = group.closed.length >= this.#options.maxTraceSpans;
    if (group.complete || full) {
      if (!group.complete) this.cutShort++;
      this.#makeReady(group);
      return;
    }
    // The bound runs from the first one closed, so that others of the trace do not hold it up again and again.
    if (!group.queued) this.#enqueue(group, clientsOnly(group));
  }

  /** Time has come to `nowNs`: hands over what is whole or has waited long enough. */
  clock(nowNs: number): void {
    this.#nowNs = nowNs;
    this.#expire(this.#clients);
    this.#expire(this.#others);
    if (this.#ready.length === 0) return;
    const ready = this.#ready;
    this.#ready = [];
    for (const group of ready) this.#release(group, false);
  }

  /** Hands over everything closed, known or not: the end. */
  flush(): void {
    for (const queue of [this.#clients, this.#others]) {
      for (let group = queue.shift(); group; group = queue.shift()) this.#dequeued(group);
    }
    const ready = this.#ready;
    this.#ready = [];
    for (const group of ready) this.#release(group, true);
  }

  #enqueue(group: Group, short: boolean): void {
    group.queued = true;
    group.deadlineNs = this.#nowNs + (short ? this.#options.clientWaitNs : this.#options.traceWaitNs);
    (short ? this.#clients : this.#others).push(group);
  }

  #expire(queue: Fifo<Group>): void {
    for (
      let group = queue.first;
      group !== undefined && group.deadlineNs <= this.#nowNs;
      group = queue.first
    ) {
      queue.shift();
      const stillClients = queue === this.#others || clientsOnly(group);
      if (!stillClients && !group.ready && group.closed.length > 0) {
        this.#enqueue(group, false);
        continue;
      }
      if (!group.ready && group.closed.length > 0 && group.open > 0) this.overdue++;
      this.#dequeued(group);
    }
  }

  #dequeued(group: Group): void {
    group.queued = false;
    if (!group.ready && group.closed.length > 0) this.#makeReady(group);
  }

  #makeReady(group: Group): void {
    group.ready = true;
    this.#ready.push(group);
  }

  #makeRoom(): void {
    const group = this.#others.shift() ?? this.#clients.shift();
    if (group === undefined) return;
    if (!group.ready && group.closed.length > 0) this.cutShort++;
    this.#dequeued(group);
  }

  #release(group: Group, last: boolean): void {
    if (group.mergedInto !== undefined) return;
    sortParentsFirst(group.closed);
    // Identities are not waited for where there is no room to wait in.
    if (!this.#handOver(group.closed, last || this.waiting > this.#options.maxWaiting)) {
      this.#ready.push(group);
      return;
    }
    this.waiting -= group.closed.length;
    group.closed = NO_PENDING;
    group.unexplained = 0;
    group.ready = false;
    if (group.open === 0) this.#forget(group);
  }

  #forget(group: Group): void {
    if (group.traceId !== undefined && this.#byTraceId.get(group.traceId) === group) {
      this.#byTraceId.delete(group.traceId);
    }
  }
}

/** Nothing is missing but servers that, most likely, are elsewhere. */
function clientsOnly(group: Group): boolean {
  return group.open === 0 && group.loneServers === 0 && group.unexplained === 0;
}

function sortParentsFirst(closed: Pending[]): void {
  if (closed.length > 2) {
    closed.sort(parentsFirst);
  } else if (closed.length === 2 && parentsFirst(closed[0]!, closed[1]!) > 0) {
    closed.reverse();
  }
}

/** A server never goes before its own client, whatever their clocks say; else by start. */
function parentsFirst(a: Pending, b: Pending): number {
  return startOf(a) - startOf(b) || rank(a) - rank(b);
}

function startOf({ exchange, hop }: Pending): number {
  if (exchange.role === 'client' || hop?.client === undefined) return exchange.startNs;
  return Math.max(exchange.startNs, hop.client.exchange.startNs);
}

function rank(pending: Pending): number {
  return pending.exchange.role === 'client' ? 0 : 1;
}
