import { u32 } from '../capture/map-values.ts';
import type { Tracer } from '../capture/native.ts';
import type { ObservedProcess } from './probe/probe.ts';

/** Bounds of the kernel's side (bpf/host.bpf.h). */
const SLOTS = 128;
const PROCESSES = 4096;

/** Whom a slot belongs to: service.name and service.namespace. */
export type Service = readonly [name: string, namespace: string];

/** Everybody whose service has no slot. */
const OTHERS: Service = ['', ''];

/**
 * Small numbers for services, by which the kernel's side counts: it is told the slot of each process. A service keeps its slot for as long as the agent
 * runs, since its counters must not fall.
 */
export class ServiceSlots {
  /** By slot. */
  readonly services: Service[] = [OTHERS];
  /** Processes that found no slot, or no room in the kernel's table, at the last update. */
  left = 0;
  readonly #tracer: Pick<Tracer, 'update' | 'delete' | 'setGlobal'>;
  readonly #slots = new Map<string, number>();
  #byPid = new Map<number, number>();

  constructor(tracer: Pick<Tracer, 'update' | 'delete' | 'setGlobal'>) {
    this.#tracer = tracer;
  }

  /** Tells the kernel's side what has changed. */
  update(processes: Iterable<ObservedProcess>): void {
    const before = this.#byPid;
    const now = new Map<number, number>();
    this.left = 0;
    for (const { pid, service, namespace } of processes) {
      const slot = now.size < PROCESSES ? this.#slotOf(service, namespace) : undefined;
      if (slot === undefined) this.left++;
      else now.set(pid, slot);
    }
    for (const pid of before.keys()) if (!now.has(pid)) this.#tracer.delete('slots', u32(pid));
    for (const [pid, slot] of now)
      if (before.get(pid) !== slot) this.#tracer.update('slots', u32(pid), u32(slot));
    if (now.size !== before.size) this.#tracer.setGlobal('slot_count', now.size);
    this.#byPid = now;
  }

  #slotOf(service: string, namespace: string): number | undefined {
    const key = `${service}\0${namespace}`;
    const known = this.#slots.get(key);
    if (known !== undefined || this.services.length >= SLOTS) return known;
    this.#slots.set(key, this.services.length);
    return this.services.push([service, namespace]) - 1;
  }
}
