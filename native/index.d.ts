/** What the kernel or libbpf refuses. */
export interface TracerError extends Error {
  /** Name of the errno, such as `EPERM`. `EBUSY`: the method comes before load(); `EBADF`: it comes after, or what it names was left out of the load. */
  readonly code: string;
  /** Positive. */
  readonly errno: number;
  /** The libbpf call that failed. */
  readonly syscall: string;
  /** What libbpf warned about meanwhile, the verifier's log included: the last 64 KiB of it. Not enumerable. The message ends in its last telling line. */
  readonly log?: string;
}

/**
 * The addon's whole face: one eBPF object, opened, configured, loaded, attached, drained and closed.
 *
 * It holds no policy: which programs to attach, what to do when one fails and what records mean is decided in src/capture/.
 * All methods run on JavaScript's thread. Errors are `TracerError`; a wrong type of argument and every use after close() is a
 * `TypeError`.
 */
export class Tracer {
  /** Opens an object file made by clang. Nothing is in the kernel yet. `btfPath`: kernel BTF to use in place of /sys/kernel/btf/vmlinux. */
  constructor(options: { object: string | Uint8Array; btfPath?: string });

  /** Names of all programs in the object, in the order of the file. */
  readonly programs: readonly string[];

  /**
   * Before load(): sets a `const volatile` integer, boolean or enum of .rodata, or an element (`name[3]`) of an array of them. Name,
   * type and range are checked against BTF: ENOENT, EINVAL, ERANGE.
   */
  setConstant(name: string, value: number | bigint): void;
  /** Before load(): size of a map. A ring's is rounded up to a power of two of pages. */
  setMaxEntries(map: string, entries: number): void;
  /** Before load(): leave a program or a map out of the load (what this kernel does not have). */
  disableProgram(program: string): void;
  disableMap(map: string): void;

  /** Loads maps and programs into the kernel. Throws with the end of the verifier's log in `error.log`; the Tracer is closed then. */
  load(): void;
  /** Attaches one program; throws when the kernel refuses it, EEXIST when it is attached already. */
  attach(program: string): void;
  /** ENOENT when it is not attached. */
  detach(program: string): void;
  /**
   * Runs a raw_tp program once on this CPU (BPF_PROG_TEST_RUN) and returns its return value, an unsigned 32-bit number. `args`, at most 12,
   * are its context; a program that reads none needs none.
   */
  runOnce(program: string, args?: ReadonlyArray<number | bigint>): number;
  /**
   * Opens an iterator program (iter/task_file, iter/task) and reads it to its end; records go to the ring or the seq file, whose bytes are
   * returned. Blocks meanwhile.
   */
  runIterator(program: string): Buffer;

  /**
   * Reads (after load) or writes (any time) a non-constant integer, boolean or enum of .data or .bss, or an element (`name[3]`) of an array of
   * them. Stores reach running programs at once and are not torn.
   */
  getGlobal(name: string): bigint;
  setGlobal(name: string, value: number | bigint): void;

  /**
   * What waits in the ring, oldest first, as whole records, each cut to `header + captured` by the size in its first four bytes (the ring's
   * size classes do not cross the border) and padded with zeros to 8 bytes. At most `maxBytes` (default: the size of the ring), yet never less
   * than one record. The memory is 8-byte aligned and reused by the next drain(), so a Buffer is good until then, also across close().
   * Empty when nothing waits.
   */
  drain(maxBytes?: number): Buffer;
  /** Records and bytes in the ring, or in its next `used` bytes, as drain() would hand them out, found by walking it; nothing is consumed. */
  pending(used?: number): { records: number; bytes: number };
  /**
   * Bytes of the ring, bytes taken out of it so far, and bytes between consumer and producer (each record's 8-byte header included): what is in
   * the ring now has been drained when `consumed` has grown by `used`. Cheap. `invalid`: records that drain() passed over because their size
   * cannot be true; always 0 unless a program writes something that is no record.
   */
  ring(): { size: number; consumed: number; used: number; invalid: number };
  /**
   * After load(): calls back on JavaScript's thread when the kernel asked for a wake-up; several before the callback runs are one. Does not keep
   * the event loop alive. A second call replaces the callback.
   */
  onWakeup(callback: () => void): void;

  /** The 64-bit numbers in the values of a per-CPU array, summed over CPUs: those of entry 0, then of entry 1, ... */
  sumPerCpuArray(map: string): BigUint64Array;
  /** All entries of a map as [key, value]; for per-CPU maps the value holds every possible CPU's value one after the other, 8-byte aligned. */
  entries(map: string): Array<[Buffer, Buffer]>;
  /** The same in two flat buffers, for maps of many entries: entry i is keys[i * keySize ..], values[i * valueSize ..]. */
  dump(map: string): { count: number; keySize: number; valueSize: number; keys: Buffer; values: Buffer };
  lookup(map: string, key: Uint8Array): Buffer | undefined;
  update(map: string, key: Uint8Array, value: Uint8Array): void;
  /** False when the key was not there. */
  delete(map: string, key: Uint8Array): boolean;
  /** The map's bytes as the kernel accounts them (0 where it does not), and its bound. `type` as libbpf names it, such as `lru_hash`. */
  mapInfo(map: string): {
    type: string;
    maxEntries: number;
    keySize: number;
    valueSize: number;
    bytes: number;
  };
  /**
   * Before load(): makes a map shareable with other agents through bpffs: reuses the map pinned at `path` if it fits (load() fails with EINVAL if it
   * does not), else pins this one there. It stays pinned after close().
   */
  pinMap(map: string, path: string): void;

  /** Kernel's own statistics per loaded program; zero unless statistics are on. */
  programStats(): Array<{
    name: string;
    id: number;
    attached: boolean;
    runTimeNs: number;
    runCount: number;
    /** Runs that the kernel skipped because the program was already running on that CPU. */
    recursionMisses: number;
  }>;
  /** Holds the kernel's BPF statistics switch (BPF_ENABLE_STATS) on or lets it go. */
  holdStats(on: boolean): void;

  /** Layout of a struct from the object's own BTF: byte offset and size of every member; those of anonymous members count as its own. */
  structLayout(name: string): { size: number; members: Record<string, { offset: number; size: number }> };

  /** Detaches, unloads, frees. Idempotent. Closing the process does the same. */
  close(): void;
}

/**
 * What this kernel can do, for `doctor` and for choosing programs, found out by trying: about 10 ms, and false for want of privilege. The result holds
 * the kernel's BTF, some MB, until it is collected. `btfPath`: as for Tracer.
 */
export function features(btfPath?: string): {
  ringbuf: boolean;
  /** In tracing programs, not only in LSM ones. */
  taskStorage: boolean;
  bpfLoop: boolean;
  /** bpf_get_current_task_btf */
  currentTaskBtf: boolean;
  btf: boolean;
  /** Known to the kernel's BTF. */
  hasTracepoint(name: string): boolean;
  hasStruct(name: string): boolean;
  hasFunction(name: string): boolean;
};

/** Version of the libbpf that is built in, such as "1.5.1". */
export const libbpfVersion: string;

/** CLOCK_MONOTONIC, CLOCK_REALTIME and CLOCK_BOOTTIME, nanoseconds, read at one instant: the best of a few tries, within a microsecond as a rule. */
export function clocks(): { monotonic: bigint; realtime: bigint; boottime: bigint };

/**
 * Goes on as another program in the same process (execv(3)): `args` are its path and its arguments. All threads and what is in memory are gone,
 * the standard streams stay open. Returns only by a `TracerError`.
 */
export function replaceProcess(args: readonly string[]): never;
