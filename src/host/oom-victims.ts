/** Bytes of a `struct victim`, and how many the kernel's side keeps (bpf/reclaim.bpf.h). */
const SIZE = 40;
const VICTIMS = 64;
/** Programs that are told apart. */
const MAX_TALLIES = 256;

/** A process that was killed for want of memory. */
export interface Victim {
  readonly pid: number;
  /** The name of its program; '' where it was not learned. */
  readonly comm: string;
  /** Slot of its service. */
  readonly slot: number;
}

/** Counts the victims that the kernel's side tells of, each once, by program and service. */
export class OomVictims {
  readonly #onKill: (victim: Victim) => void;
  readonly #tallies = new Map<string, { comm: string; slot: number; kills: number }>();
  /** By place: the number of the victim that was there last, and whether it has been counted. */
  readonly #seen = Array.from({ length: VICTIMS }, (_, place) => {
    return { number: place === 0 ? 0 : place - VICTIMS, counted: true };
  });

  constructor(onKill: (victim: Victim) => void) {
    this.#onKill = onKill;
  }

  get tallies(): Iterable<{ comm: string; slot: number; kills: number }> {
    return this.#tallies.values();
  }

  /** `values`: those of the map `victims`. */
  update(values: Buffer): void {
    for (const [place, seen] of this.#seen.entries()) {
      const at = place * SIZE;
      const number = Number(values.readBigUInt64LE(at));
      if (number === 0) continue;
      if (number !== seen.number) {
        // Of those that stood here in between nobody has learned a name, nor of one that did not exit in time.
        const missed = (number - seen.number) / VICTIMS - 1;
        this.#add('', 0, missed + (seen.counted ? 0 : 1));
        seen.number = number;
        seen.counted = false;
      }
      const comm = values.toString('utf8', at + 24, at + SIZE).replace(/\0.*/s, '');
      if (seen.counted || comm === '') continue;
      seen.counted = true;
      const victim = { pid: values.readUInt32LE(at + 12), comm, slot: values.readUInt32LE(at + 16) };
      this.#add(comm, victim.slot, 1);
      this.#onKill(victim);
    }
  }

  #add(comm: string, slot: number, kills: number): void {
    if (kills === 0) return;
    const key = `${slot} ${comm}`;
    const known = this.#tallies.get(key);
    if (known !== undefined) known.kills += kills;
    else if (this.#tallies.size < MAX_TALLIES || comm === '') this.#tallies.set(key, { comm, slot, kills });
    else this.#add('', 0, kills);
  }
}
