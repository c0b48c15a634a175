/**
 * The addon's whole face: one eBPF object, opened, configured, loaded, attached, drained and closed.
 *
 * It holds no policy: which programs to attach, what to do when one fails and what records mean is decided in src/capture/.
 * All methods run on JavaScript's thread. Errors are `Error` with `code` (errno name such as `EPERM`), `errno` (positive) and
 * `syscall` (the libbpf call that failed); the message ends in libbpf's own last warning line where there is one.
 */
export class Tracer {
  /** Opens an object file made by clang. Nothing is in the kernel yet. `btfPath`: kernel BTF to use in place of /sys/kernel/btf/vmlinux. */
  constructor(options: { object: string | Uint8Array; btfPath?: string });

  /** Names of all programs in the object, in the order of the file. */
  readonly programs: readonly string[];

  /** Before load(): sets a `const volatile` global of .rodata. Size and name are checked against BTF. */
  setConstant(name: string, value: number | bigint): void;
  /** Before load(): size of a map. */
  setMaxEntries(map: string, entries: number): void;
  /** Before load(): leave a program or a map out of the load (what this kernel does not have). */
  disableProgram(program: string): void;
  disableMap(map: string): void;

  /** Loads maps and programs into the kernel. Throws with the end of the verifier's log in `error.log`. */
  load(): void;
  /** Attaches one program; throws when the kernel refuses it. */
  attach(program: string): void;
  detach(program: string): void;
  /** Runs a raw_tp program once in the calling thread (BPF_PROG_TEST_RUN) and returns its return value. */
  runOnce(program: string): number;
  /** Opens an iterator program (iter/task_file, iter/task) and reads it to its end; records go to the ring or the seq file, whose bytes are returned. */
  runIterator(program: string): Buffer;

  /** After load(): reads or writes a non-constant global (.data, .bss). */
  getGlobal(name: string): bigint;
  setGlobal(name: string, value: number | bigint): void;

  /**
   * What waits in the ring, oldest first, as whole records, each padded to 8 bytes and cut to `header + captured` (the ring's size classes
   * do not cross the border). At most `maxBytes` (default: the size of the ring). The Buffer is 8-byte aligned, is reused by the next
   * drain() and costs one crossing. Empty when nothing waits.
   */
  drain(maxBytes?: number): Buffer;
  /** Records and bytes in the ring, neither consumed nor counted by drain(), found by walking it. */
  pending(): { records: number; bytes: number };
  /** Bytes of the ring, and bytes between consumer and producer. Cheap. */
  ring(): { size: number; used: number };
  /** Calls back on JavaScript's thread when the kernel asked for a wake-up. Does not keep the event loop alive. */
  onWakeup(callback: () => void): void;

  /** Values of a per-CPU array, summed over CPUs, one bigint an entry. */
  sumPerCpuArray(map: string): BigUint64Array;
  /** All entries of a map as [key, value]; for per-CPU maps the value holds every possible CPU's value one after the other. */
  entries(map: string): Array<[Buffer, Buffer]>;
  lookup(map: string, key: Uint8Array): Buffer | undefined;
  update(map: string, key: Uint8Array, value: Uint8Array): void;
  /** False when the key was not there. */
  delete(map: string, key: Uint8Array): boolean;
  /** The map's bytes as the kernel accounts them, and its bound. */
  mapInfo(map: string): { type: string; maxEntries: number; keySize: number; valueSize: number };
  /** Makes maps shareable with other agents through bpffs: reuses the pinned map if it exists and fits. Before load(). */
  pinMap(map: string, path: string): void;

  /** Kernel's own statistics per loaded program; zero unless statistics are on. */
  programStats(): Array<{ name: string; id: number; runTimeNs: number; runCount: number }>;
  /** Holds the kernel's BPF statistics switch (BPF_ENABLE_STATS) on or lets it go. */
  holdStats(on: boolean): void;

  /** Layout of a struct from the object's own BTF: byte offset and size of every member. */
  structLayout(name: string): { size: number; members: Record<string, { offset: number; size: number }> };

  /** Detaches, unloads, frees. Idempotent. Closing the process does the same. */
  close(): void;
}

/** What this kernel can do, for `doctor` and for choosing programs; each probe is one bpf(2) call at most. */
export function features(): {
  ringbuf: boolean;
  taskStorage: boolean;
  bpfLoop: boolean;
  /** bpf_get_current_task_btf */
  currentTaskBtf: boolean;
  btf: boolean;
  /** Kernel types, functions or tracepoints known to the kernel's BTF. */
  hasTracepoint(name: string): boolean;
};

/** Version of the libbpf that is built in, such as "1.5.1". */
export const libbpfVersion: string;

/** CLOCK_MONOTONIC, CLOCK_REALTIME and CLOCK_BOOTTIME read next to each other, nanoseconds. */
export function clocks(): { monotonic: bigint; realtime: bigint; boottime: bigint };
