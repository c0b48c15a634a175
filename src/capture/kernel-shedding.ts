import { shedSlot } from './unrecognised-ports.ts';
import type { Tracer } from './native.ts';
import { Verdict } from './records.gen.ts';

/** CONNECTIONS_ALL of bpf/maps.bpf.h. */
const CONNECTIONS_ALL = 1 << 16;
const NO_CAP = 0xffff_ffff;
/** Those that see data. The others tell of processes, and which connections are the agent's own, which has to be known whatever else is. */
const DATA_PROGRAMS = ['syscall_enter', 'syscall_exit'];
/** What is known of sockets and threads only as long as every call of theirs is seen. */
const VOLATILE_MAPS = ['conns', 'futexes'];

/** How the kernel's side does less. Every step is undone by the call that it was made by. */
export class KernelShedding {
  /** The programs that see data are not attached. */
  paused = false;
  readonly #tracer: Tracer;
  readonly #shedSlot: number;
  #keptShare = 1;

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
    this.#shedSlot = shedSlot(tracer);
  }

  /** Payload bytes that a run may carry at most, whatever verdicts say; undefined: what they say. */
  capPayload(bytes: number | undefined): void {
    this.#tracer.setGlobal('budget_cap', bytes ?? NO_CAP);
  }

  /** The share of connections, among those that are new from now on, that are traced. With 1 those that were left out come back as if they were new. */
  keepConnections(share: number): void {
    this.#keptShare = share;
    this.#setKept();
    if (share === 1) this.#forgetShed();
  }

  pause(): void {
    for (const program of DATA_PROGRAMS) this.#tracer.detach(program);
    this.paused = true;
    this.#setKept();
  }

  /** Connections are met as those that are older than the agent. */
  resume(): void {
    this.paused = false;
    this.#setKept();
    for (const map of VOLATILE_MAPS) this.#clear(map);
    // Whatever a thread was in, and the reason of what it does next, is not known.
    this.#tracer.setGlobal('shed_rounds', (this.#tracer.getGlobal('shed_rounds') + 1n) & 0xffff_ffffn);
    for (const program of DATA_PROGRAMS) this.#tracer.attach(program);
  }

  /** Whether a program of the attach table is not attached for now. */
  isDetached(program: string): boolean {
    return this.paused && DATA_PROGRAMS.includes(program);
  }

  /** Nothing is told of connections that begin while their data is not seen. */
  #setKept(): void {
    const share = this.paused ? 0 : this.#keptShare;
    this.#tracer.setGlobal('connections_kept', Math.round(share * CONNECTIONS_ALL));
  }

  #clear(map: string): void {
    const { count, keySize, keys } = this.#tracer.dump(map);
    for (let i = 0; i < count; i++) this.#tracer.delete(map, keys.subarray(i * keySize, (i + 1) * keySize));
  }

  /** Their state first: the other map is filled from it. */
  #forgetShed(): void {
    const { members } = this.#tracer.structLayout('conn');
    const conns = this.#tracer.dump('conns');
    for (let i = 0; i < conns.count; i++) {
      const value = conns.values.subarray(i * conns.valueSize, (i + 1) * conns.valueSize);
      if (value[members.verdict!.offset] !== Verdict.drop) continue;
      if (value.readUInt32LE(members.port_slot!.offset) !== this.#shedSlot) continue;
      this.#tracer.delete('conns', conns.keys.subarray(i * conns.keySize, (i + 1) * conns.keySize));
    }
    const what = this.#tracer.structLayout('known').members.what!.offset;
    const known = this.#tracer.dump('known_socks');
    const nothing = new Uint8Array(known.valueSize);
    for (let i = 0; i < known.count; i++) {
      if (known.values.readUInt32LE(i * known.valueSize + what) !== this.#shedSlot) continue;
      this.#tracer.update(
        'known_socks',
        known.keys.subarray(i * known.keySize, (i + 1) * known.keySize),
        nothing,
      );
    }
  }
}
