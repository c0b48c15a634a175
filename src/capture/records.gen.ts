// Generated from bpf/records.toml by `npm run gen`. Do not edit.

import { RecordView } from './record-view.ts';

export const RECORD_VERSION = 3;

/** What a record is. */
export const Kind = {
  /** One data call on a socket, or one chunk of a call with a long payload. */
  data: 1,
  /** An event in the life of a socket. */
  connection: 2,
  /** Kernel only: a process image started; capture/ turns it into a `process` record. */
  exec: 3,
  /** A new process (not a thread). */
  fork: 4,
  /** The last thread of a process ended. */
  exit: 5,
  /** A process set up io_uring: what it does there is not seen. */
  uring: 6,
  /** A thread of a pool has woken another thread that waited for it. */
  wake: 7,
  /** Agent: facts about a process, JSON. */
  process: 16,
  /** Agent: an instant on all clocks, up to which all records have gone before; the only source of time for the pipeline. */
  clock: 17,
  /** Agent: the kernel's cumulative counters, 64-bit each, in the order of the enum `counter`. */
  counters: 18,
  /** Agent: facts about the host and the agent, JSON; first record of a recording. */
  host: 19,
  /** Agent: the filters in force from here on, JSON. */
  filter: 20,
  /** Progress of an elided run, read from the kernel while the connection is idle, or told by it when the socket is gone. */
  elision: 21,
  /** Agent: what the directory answered, JSON; the first one says that there is a directory, and has no answers. */
  directory: 22,
  /** Agent: from here on the kernel side tells whom the threads of a process wake, or does so no more. */
  pool: 23,
  /** Agent: the kernel side has stopped looking at system calls: what goes on from here on is not told, until connections are met anew in mid-traffic. */
  pause: 24,
} as const;

/** Bits of head.flags. */
export const Flag = {
  /** This socket is the accepting (server) end. */
  accepted: 1,
  /** The socket was seen from its creation, so counted positions start at its first byte. */
  fresh: 2,
  /** Length > captured. */
  truncated: 4,
  /** Another thread used the socket meanwhile: position is a guess. */
  unsure: 8,
  /** The payload could not be read (page not present, bad pointer). */
  fault: 16,
  /** The receive queue was empty after this read. */
  drained: 32,
  /** Another chunk of the same call follows. */
  more: 64,
  /** The read consumed the peer's FIN. */
  eof: 128,
} as const;

/** Seen from the socket. */
export const Direction = {
  /** Bytes came in. */
  receive: 0,
  /** Bytes went out. */
  send: 1,
} as const;

/** What data.position counts. */
export const PositionKind = {
  /** Offset from the first data byte of the direction, by sequence numbers. */
  tcp: 1,
  /** Bytes counted by the agent since it first saw the socket. */
  counter: 2,
  /** Messages; position is the ordinal within the socket and direction. */
  datagram: 3,
} as const;

/** counters.in_ring, where it is no number. */
export const InRing = {
  /** The kernel did not stand still for as long as it takes to tell. */
  unknown: 4294967295,
} as const;

/** connection.event. */
export const Event = {
  /** Connect(2) returned; result 0, -EINPROGRESS or an error. */
  connect: 1,
  /** Accept(2) returned a connection. */
  accept: 2,
  /** TCP handshake done. */
  established: 3,
  /** Shutdown(2) returned. */
  shutdown: 4,
  /** Close(2) was entered for a socket that nobody else held; the payload is how far its streams went. */
  close: 5,
  /** TCP state CLOSE: the socket is over whoever holds it; result is the negative errno, 0 for an orderly end; the payload as of close. */
  destroyed: 6,
  /** A data call or the handshake failed; result is the negative errno. */
  failed: 7,
  /** First data on a unix socket; the payload is its name. */
  seen: 8,
  /** Found open when the agent started. */
  scan: 9,
  /** The socket listens. */
  listen: 10,
} as const;

/** What user space wants of a connection. */
export const Verdict = {
  /** Payload up to the budget of the run, then header only. */
  full: 0,
  /** As full, but beyond the budget records of the run are only summed up. */
  elide: 1,
  /** No payload, and of a run only the first record: the rest is summed up. */
  header: 2,
  /** Nothing; counted as unrecognised. */
  drop: 3,
  /** Nothing: one end of the agent's own traffic. */
  own: 4,
  /** Nothing: outside the filters. */
  filtered: 5,
} as const;

/** Kernel counters, one slot each in a per-CPU array. Never decreased. Data calls that are dropped are counted by port alone: user space adds them to calls_*, bytes_* and unrecognised_*. */
export const Counter = {
  /** Records the kernel side set out to write. */
  produced: 0,
  /** Records lost because the ring was full. */
  lost_ring_full: 1,
  /** Data calls that received bytes, whatever became of them; not those of the agent and of processes that the filters exclude, which are not looked at. */
  calls_receive: 2,
  /** The same of data calls that sent bytes. */
  calls_send: 3,
  /** Bytes of calls_receive. */
  bytes_receive: 4,
  /** Bytes of calls_send. */
  bytes_send: 5,
  /** Data calls summed up by an elide verdict. */
  elided_records: 6,
  /** Bytes of elided_records. */
  elided_bytes: 7,
  /** Data calls not written because of a drop verdict. */
  unrecognised_records: 8,
  /** Bytes of unrecognised_records. */
  unrecognised_bytes: 9,
  /** Data calls not written because the connection is the agent's own: those of its other end. */
  own_records: 10,
  /** Data calls not written because user space found the connection to be outside the filters. */
  filtered_records: 11,
  /** Records whose payload could not be read. */
  payload_faults: 12,
  /** Records with captured < length. */
  truncated_records: 13,
  /** Data calls by 32-bit programs, not decoded. */
  compat_calls: 14,
  /** Per-connection or per-call kernel state that could not be kept. */
  state_lost: 15,
  /** Messages of a recvmmsg beyond its first 1024: they leave no record, and their bytes are not counted. */
  messages_cut: 16,
  /** Io_uring instances set up. */
  uring_setups: 17,
  /** Times the kernel woke the drain. */
  wakeups: 18,
  /** Process images whose arguments or environment are longer than what is kept. */
  exec_cut: 19,
  /** Times the ring filled up, after which data calls are lost until the agent has emptied it. */
  overruns: 20,
  /** New connections that were left out because the agent was above its limits, each of their ends by itself. */
  shed_connections: 21,
  /** Data calls not written because their connection was left out for that reason; user space fills it in. */
  shed_records: 22,
  /** Bytes of shed_records. */
  shed_bytes: 23,
  /** Payload bytes that were left out because the agent was above its limits. */
  capped_bytes: 24,
} as const;

/** Bytes that crossed one socket in one direction. */
export class DataRecord extends RecordView {
  static readonly SIZE = 216;
  /** Bytes of this record with payload, without the alignment to 8 that follows. */
  get size(): number {
    return this.u32[this.offset >>> 2]!;
  }
  /** Enum kind. */
  get kind(): number {
    return this.u8[this.offset + 4]!;
  }
  /** Schema version. */
  get version(): number {
    return this.u8[this.offset + 5]!;
  }
  /** Enum flag, or-ed. */
  get flags(): number {
    return this.u16[(this.offset + 6) >>> 1]!;
  }
  /** When the call returned or the event happened. */
  get timeNs(): number {
    return this.u32[(this.offset + 12) >>> 2]! * 4294967296 + this.u32[(this.offset + 8) >>> 2]!;
  }
  /** Start of the process on CLOCK_BOOTTIME; with tgid its identity. */
  get startNs(): number {
    return this.u32[(this.offset + 20) >>> 2]! * 4294967296 + this.u32[(this.offset + 16) >>> 2]!;
  }
  /** Process id in the initial namespace. */
  get tgid(): number {
    return this.u32[(this.offset + 24) >>> 2]!;
  }
  /** Thread id in the initial namespace. */
  get tid(): number {
    return this.u32[(this.offset + 28) >>> 2]!;
  }
  /** Low 53 bits of the kernel address of the socket; identity together with inode and netns. */
  get sock(): number {
    return this.u32[(this.offset + 36) >>> 2]! * 4294967296 + this.u32[(this.offset + 32) >>> 2]!;
  }
  /** Socket inode, as in ss and /proc. */
  get inode(): number {
    return this.u32[(this.offset + 44) >>> 2]! * 4294967296 + this.u32[(this.offset + 40) >>> 2]!;
  }
  /** Unix: `sock` of the peer, else 0. */
  get peer(): number {
    return this.u32[(this.offset + 52) >>> 2]! * 4294967296 + this.u32[(this.offset + 48) >>> 2]!;
  }
  /** Cgroup v2 id of the calling thread. */
  get cgroup(): number {
    return this.u32[(this.offset + 60) >>> 2]! * 4294967296 + this.u32[(this.offset + 56) >>> 2]!;
  }
  /** Position of the first elided byte of gap_direction; all of them up to gap_end were. */
  get gapStart(): number {
    return this.u32[(this.offset + 68) >>> 2]! * 4294967296 + this.u32[(this.offset + 64) >>> 2]!;
  }
  /** Position after the last elided byte of gap_direction. */
  get gapEnd(): number {
    return this.u32[(this.offset + 76) >>> 2]! * 4294967296 + this.u32[(this.offset + 72) >>> 2]!;
  }
  /** Time of the last elided call. */
  get gapNs(): number {
    return this.u32[(this.offset + 84) >>> 2]! * 4294967296 + this.u32[(this.offset + 80) >>> 2]!;
  }
  /** Return value of the system call. */
  get result(): number {
    return (this.u32[(this.offset + 92) >>> 2]! | 0) * 4294967296 + this.u32[(this.offset + 88) >>> 2]!;
  }
  /** Inode of the network namespace. */
  get netns(): number {
    return this.u32[(this.offset + 96) >>> 2]!;
  }
  /** What names this end at both ends. TCP: absolute sequence number of the first byte it sends; unix: low half of its inode. */
  get txFirst(): number {
    return this.u32[(this.offset + 100) >>> 2]!;
  }
  /** The same of the peer, 0 while it is not known. */
  get rxFirst(): number {
    return this.u32[(this.offset + 104) >>> 2]!;
  }
  /** Calls elided since the last record of this socket. */
  get gapRecords(): number {
    return this.u32[(this.offset + 108) >>> 2]!;
  }
  /** Host order. */
  get localPort(): number {
    return this.u16[(this.offset + 112) >>> 1]!;
  }
  /** Host order. */
  get remotePort(): number {
    return this.u16[(this.offset + 114) >>> 1]!;
  }
  /** X86-64 or arm64 system call number. */
  get syscall(): number {
    return this.u16[(this.offset + 116) >>> 1]!;
  }
  /** AF_UNIX 1, AF_INET 2, AF_INET6 10. */
  get family(): number {
    return this.u8[this.offset + 118]!;
  }
  /** SOCK_STREAM 1, SOCK_DGRAM 2, SOCK_SEQPACKET 5. */
  get sockType(): number {
    return this.u8[this.offset + 119]!;
  }
  /** Own address. */
  get local(): Uint8Array {
    return this.u8.subarray(this.offset + 120, this.offset + 136);
  }
  /** Peer's address. */
  get remote(): Uint8Array {
    return this.u8.subarray(this.offset + 136, this.offset + 152);
  }
  /** IPPROTO_TCP 6, IPPROTO_UDP 17, 0 for unix. */
  get protocol(): number {
    return this.u8[this.offset + 152]!;
  }
  /** Enum direction. */
  get gapDirection(): number {
    return this.u8[this.offset + 153]!;
  }
  /** TCP state after the call. */
  get tcpState(): number {
    return this.u8[this.offset + 154]!;
  }
  /** Enum direction. */
  get direction(): number {
    return this.u8[this.offset + 155]!;
  }
  /** Bytes this record stands for. */
  get length(): number {
    return this.u32[(this.offset + 156) >>> 2]!;
  }
  /** Payload bytes that follow. */
  get captured(): number {
    return this.u32[(this.offset + 160) >>> 2]!;
  }
  /** Index within recvmmsg or sendmmsg. */
  get message(): number {
    return this.u32[(this.offset + 164) >>> 2]!;
  }
  /** When the send was entered; 0 for receives. */
  get enterNs(): number {
    return this.u32[(this.offset + 172) >>> 2]! * 4294967296 + this.u32[(this.offset + 168) >>> 2]!;
  }
  /** Of the record's first byte in its stream. */
  get position(): number {
    return this.u32[(this.offset + 180) >>> 2]! * 4294967296 + this.u32[(this.offset + 176) >>> 2]!;
  }
  /** Execution context (goroutine, virtual thread, task), 0 if unknown. */
  get contextId(): number {
    return this.u32[(this.offset + 188) >>> 2]! * 4294967296 + this.u32[(this.offset + 184) >>> 2]!;
  }
  /** Its parent. */
  get contextParent(): number {
    return this.u32[(this.offset + 196) >>> 2]! * 4294967296 + this.u32[(this.offset + 192) >>> 2]!;
  }
  /** Where its work came from. */
  get contextOrigin(): number {
    return this.u32[(this.offset + 204) >>> 2]! * 4294967296 + this.u32[(this.offset + 200) >>> 2]!;
  }
  /** Enum position_kind. */
  get positionKind(): number {
    return this.u8[this.offset + 208]!;
  }
  /** 0: what the socket carried; 1: plaintext from a library. */
  get layer(): number {
    return this.u8[this.offset + 209]!;
  }
  /** 0: none. */
  get contextKind(): number {
    return this.u8[this.offset + 210]!;
  }
  /** How often the thread came back from waiting for events of several descriptors, so that what it read before need not be why it goes on; wraps. */
  get turn(): number {
    return this.u16[(this.offset + 212) >>> 1]!;
  }
  /** How often the thread received bytes or the end of a stream, from any socket, or was woken through a descriptor that is none; this record's receive is counted; wraps. */
  get step(): number {
    return this.u16[(this.offset + 214) >>> 1]!;
  }
  /** The captured bytes; a view that is valid until the next drain. */
  get payload(): Uint8Array {
    const start = this.offset + 216;
    return this.u8.subarray(start, start + this.captured);
  }
}

/** An event in the life of a socket. The payload is the unix socket name where there is one; where the socket ends, two u32: the low halves of the positions after the last byte sent and after the last one received, either of which may count a FIN as one more. */
export class ConnectionRecord extends RecordView {
  static readonly SIZE = 168;
  /** Bytes of this record with payload, without the alignment to 8 that follows. */
  get size(): number {
    return this.u32[this.offset >>> 2]!;
  }
  /** Enum kind. */
  get kind(): number {
    return this.u8[this.offset + 4]!;
  }
  /** Schema version. */
  get version(): number {
    return this.u8[this.offset + 5]!;
  }
  /** Enum flag, or-ed. */
  get flags(): number {
    return this.u16[(this.offset + 6) >>> 1]!;
  }
  /** When the call returned or the event happened. */
  get timeNs(): number {
    return this.u32[(this.offset + 12) >>> 2]! * 4294967296 + this.u32[(this.offset + 8) >>> 2]!;
  }
  /** Start of the process on CLOCK_BOOTTIME; with tgid its identity. */
  get startNs(): number {
    return this.u32[(this.offset + 20) >>> 2]! * 4294967296 + this.u32[(this.offset + 16) >>> 2]!;
  }
  /** Process id in the initial namespace. */
  get tgid(): number {
    return this.u32[(this.offset + 24) >>> 2]!;
  }
  /** Thread id in the initial namespace. */
  get tid(): number {
    return this.u32[(this.offset + 28) >>> 2]!;
  }
  /** Low 53 bits of the kernel address of the socket; identity together with inode and netns. */
  get sock(): number {
    return this.u32[(this.offset + 36) >>> 2]! * 4294967296 + this.u32[(this.offset + 32) >>> 2]!;
  }
  /** Socket inode, as in ss and /proc. */
  get inode(): number {
    return this.u32[(this.offset + 44) >>> 2]! * 4294967296 + this.u32[(this.offset + 40) >>> 2]!;
  }
  /** Unix: `sock` of the peer, else 0. */
  get peer(): number {
    return this.u32[(this.offset + 52) >>> 2]! * 4294967296 + this.u32[(this.offset + 48) >>> 2]!;
  }
  /** Cgroup v2 id of the calling thread. */
  get cgroup(): number {
    return this.u32[(this.offset + 60) >>> 2]! * 4294967296 + this.u32[(this.offset + 56) >>> 2]!;
  }
  /** Position of the first elided byte of gap_direction; all of them up to gap_end were. */
  get gapStart(): number {
    return this.u32[(this.offset + 68) >>> 2]! * 4294967296 + this.u32[(this.offset + 64) >>> 2]!;
  }
  /** Position after the last elided byte of gap_direction. */
  get gapEnd(): number {
    return this.u32[(this.offset + 76) >>> 2]! * 4294967296 + this.u32[(this.offset + 72) >>> 2]!;
  }
  /** Time of the last elided call. */
  get gapNs(): number {
    return this.u32[(this.offset + 84) >>> 2]! * 4294967296 + this.u32[(this.offset + 80) >>> 2]!;
  }
  /** Return value of the system call. */
  get result(): number {
    return (this.u32[(this.offset + 92) >>> 2]! | 0) * 4294967296 + this.u32[(this.offset + 88) >>> 2]!;
  }
  /** Inode of the network namespace. */
  get netns(): number {
    return this.u32[(this.offset + 96) >>> 2]!;
  }
  /** What names this end at both ends. TCP: absolute sequence number of the first byte it sends; unix: low half of its inode. */
  get txFirst(): number {
    return this.u32[(this.offset + 100) >>> 2]!;
  }
  /** The same of the peer, 0 while it is not known. */
  get rxFirst(): number {
    return this.u32[(this.offset + 104) >>> 2]!;
  }
  /** Calls elided since the last record of this socket. */
  get gapRecords(): number {
    return this.u32[(this.offset + 108) >>> 2]!;
  }
  /** Host order. */
  get localPort(): number {
    return this.u16[(this.offset + 112) >>> 1]!;
  }
  /** Host order. */
  get remotePort(): number {
    return this.u16[(this.offset + 114) >>> 1]!;
  }
  /** X86-64 or arm64 system call number. */
  get syscall(): number {
    return this.u16[(this.offset + 116) >>> 1]!;
  }
  /** AF_UNIX 1, AF_INET 2, AF_INET6 10. */
  get family(): number {
    return this.u8[this.offset + 118]!;
  }
  /** SOCK_STREAM 1, SOCK_DGRAM 2, SOCK_SEQPACKET 5. */
  get sockType(): number {
    return this.u8[this.offset + 119]!;
  }
  /** Own address. */
  get local(): Uint8Array {
    return this.u8.subarray(this.offset + 120, this.offset + 136);
  }
  /** Peer's address. */
  get remote(): Uint8Array {
    return this.u8.subarray(this.offset + 136, this.offset + 152);
  }
  /** IPPROTO_TCP 6, IPPROTO_UDP 17, 0 for unix. */
  get protocol(): number {
    return this.u8[this.offset + 152]!;
  }
  /** Enum direction. */
  get gapDirection(): number {
    return this.u8[this.offset + 153]!;
  }
  /** TCP state after the call. */
  get tcpState(): number {
    return this.u8[this.offset + 154]!;
  }
  /** Enum event. */
  get event(): number {
    return this.u8[this.offset + 155]!;
  }
  /** Descriptor in the calling process, 0xffffffff if there is none. */
  get fd(): number {
    return this.u32[(this.offset + 156) >>> 2]!;
  }
  /** Payload bytes that follow. */
  get captured(): number {
    return this.u32[(this.offset + 160) >>> 2]!;
  }
  /** As in data; 0 where it is no thread's doing. */
  get turn(): number {
    return this.u16[(this.offset + 164) >>> 1]!;
  }
  /** As in data. */
  get step(): number {
    return this.u16[(this.offset + 166) >>> 1]!;
  }
  /** The captured bytes; a view that is valid until the next drain. */
  get payload(): Uint8Array {
    const start = this.offset + 168;
    return this.u8.subarray(start, start + this.captured);
  }
}

/** A process image started. Payload: executable path, cgroup path and working directory as components from the leaf up, each NUL-ended; then argv; then environ. */
export class ExecRecord extends RecordView {
  static readonly SIZE = 88;
  /** Bytes of this record with payload, without the alignment to 8 that follows. */
  get size(): number {
    return this.u32[this.offset >>> 2]!;
  }
  /** Enum kind. */
  get kind(): number {
    return this.u8[this.offset + 4]!;
  }
  /** Schema version. */
  get version(): number {
    return this.u8[this.offset + 5]!;
  }
  /** Enum flag, or-ed. */
  get flags(): number {
    return this.u16[(this.offset + 6) >>> 1]!;
  }
  /** When the call returned or the event happened. */
  get timeNs(): number {
    return this.u32[(this.offset + 12) >>> 2]! * 4294967296 + this.u32[(this.offset + 8) >>> 2]!;
  }
  /** Start of the process on CLOCK_BOOTTIME; with tgid its identity. */
  get startNs(): number {
    return this.u32[(this.offset + 20) >>> 2]! * 4294967296 + this.u32[(this.offset + 16) >>> 2]!;
  }
  /** Process id in the initial namespace. */
  get tgid(): number {
    return this.u32[(this.offset + 24) >>> 2]!;
  }
  /** Thread id in the initial namespace. */
  get tid(): number {
    return this.u32[(this.offset + 28) >>> 2]!;
  }
  /** Cgroup v2 id. */
  get cgroup(): number {
    return this.u32[(this.offset + 36) >>> 2]! * 4294967296 + this.u32[(this.offset + 32) >>> 2]!;
  }
  /** Tgid of the parent. */
  get parent(): number {
    return this.u32[(this.offset + 40) >>> 2]!;
  }
  /** Real user id. */
  get uid(): number {
    return this.u32[(this.offset + 44) >>> 2]!;
  }
  /** Inode of the network namespace. */
  get netns(): number {
    return this.u32[(this.offset + 48) >>> 2]!;
  }
  /** Payload bytes that follow. */
  get captured(): number {
    return this.u32[(this.offset + 52) >>> 2]!;
  }
  /** Bytes of the executable path. */
  get exeLength(): number {
    return this.u16[(this.offset + 56) >>> 1]!;
  }
  /** Bytes of the cgroup path. */
  get cgroupLength(): number {
    return this.u16[(this.offset + 58) >>> 1]!;
  }
  /** Bytes of the working directory. */
  get cwdLength(): number {
    return this.u16[(this.offset + 60) >>> 1]!;
  }
  /** Bytes of argv. */
  get argvLength(): number {
    return this.u16[(this.offset + 62) >>> 1]!;
  }
  /** Bytes of environ. */
  get environLength(): number {
    return this.u16[(this.offset + 64) >>> 1]!;
  }
  /** Command name, NUL-padded. */
  get comm(): Uint8Array {
    return this.u8.subarray(this.offset + 72, this.offset + 88);
  }
  /** The captured bytes; a view that is valid until the next drain. */
  get payload(): Uint8Array {
    const start = this.offset + 88;
    return this.u8.subarray(start, start + this.captured);
  }
}

/** A new process; tgid and start_ns are the child's. */
export class ForkRecord extends RecordView {
  static readonly SIZE = 48;
  /** Bytes of this record with payload, without the alignment to 8 that follows. */
  get size(): number {
    return this.u32[this.offset >>> 2]!;
  }
  /** Enum kind. */
  get kind(): number {
    return this.u8[this.offset + 4]!;
  }
  /** Schema version. */
  get version(): number {
    return this.u8[this.offset + 5]!;
  }
  /** Enum flag, or-ed. */
  get flags(): number {
    return this.u16[(this.offset + 6) >>> 1]!;
  }
  /** When the call returned or the event happened. */
  get timeNs(): number {
    return this.u32[(this.offset + 12) >>> 2]! * 4294967296 + this.u32[(this.offset + 8) >>> 2]!;
  }
  /** Start of the process on CLOCK_BOOTTIME; with tgid its identity. */
  get startNs(): number {
    return this.u32[(this.offset + 20) >>> 2]! * 4294967296 + this.u32[(this.offset + 16) >>> 2]!;
  }
  /** Process id in the initial namespace. */
  get tgid(): number {
    return this.u32[(this.offset + 24) >>> 2]!;
  }
  /** Thread id in the initial namespace. */
  get tid(): number {
    return this.u32[(this.offset + 28) >>> 2]!;
  }
  /** Start of the parent. */
  get parentStartNs(): number {
    return this.u32[(this.offset + 36) >>> 2]! * 4294967296 + this.u32[(this.offset + 32) >>> 2]!;
  }
  /** Tgid of the parent. */
  get parent(): number {
    return this.u32[(this.offset + 40) >>> 2]!;
  }
}

/** The last thread of a process ended. */
export class ExitRecord extends RecordView {
  static readonly SIZE = 40;
  /** Bytes of this record with payload, without the alignment to 8 that follows. */
  get size(): number {
    return this.u32[this.offset >>> 2]!;
  }
  /** Enum kind. */
  get kind(): number {
    return this.u8[this.offset + 4]!;
  }
  /** Schema version. */
  get version(): number {
    return this.u8[this.offset + 5]!;
  }
  /** Enum flag, or-ed. */
  get flags(): number {
    return this.u16[(this.offset + 6) >>> 1]!;
  }
  /** When the call returned or the event happened. */
  get timeNs(): number {
    return this.u32[(this.offset + 12) >>> 2]! * 4294967296 + this.u32[(this.offset + 8) >>> 2]!;
  }
  /** Start of the process on CLOCK_BOOTTIME; with tgid its identity. */
  get startNs(): number {
    return this.u32[(this.offset + 20) >>> 2]! * 4294967296 + this.u32[(this.offset + 16) >>> 2]!;
  }
  /** Process id in the initial namespace. */
  get tgid(): number {
    return this.u32[(this.offset + 24) >>> 2]!;
  }
  /** Thread id in the initial namespace. */
  get tid(): number {
    return this.u32[(this.offset + 28) >>> 2]!;
  }
  /** As in wait(2). */
  get code(): number {
    return this.u32[(this.offset + 32) >>> 2]!;
  }
}

/** A process set up io_uring. */
export class UringRecord extends RecordView {
  static readonly SIZE = 40;
  /** Bytes of this record with payload, without the alignment to 8 that follows. */
  get size(): number {
    return this.u32[this.offset >>> 2]!;
  }
  /** Enum kind. */
  get kind(): number {
    return this.u8[this.offset + 4]!;
  }
  /** Schema version. */
  get version(): number {
    return this.u8[this.offset + 5]!;
  }
  /** Enum flag, or-ed. */
  get flags(): number {
    return this.u16[(this.offset + 6) >>> 1]!;
  }
  /** When the call returned or the event happened. */
  get timeNs(): number {
    return this.u32[(this.offset + 12) >>> 2]! * 4294967296 + this.u32[(this.offset + 8) >>> 2]!;
  }
  /** Start of the process on CLOCK_BOOTTIME; with tgid its identity. */
  get startNs(): number {
    return this.u32[(this.offset + 20) >>> 2]! * 4294967296 + this.u32[(this.offset + 16) >>> 2]!;
  }
  /** Process id in the initial namespace. */
  get tgid(): number {
    return this.u32[(this.offset + 24) >>> 2]!;
  }
  /** Thread id in the initial namespace. */
  get tid(): number {
    return this.u32[(this.offset + 28) >>> 2]!;
  }
  /** Submission queue entries. */
  get entries(): number {
    return this.u32[(this.offset + 32) >>> 2]!;
  }
}

/** The kernel side has stopped looking at system calls: what is open now ends unseen. */
export class PauseRecord extends RecordView {
  static readonly SIZE = 32;
  /** Bytes of this record with payload, without the alignment to 8 that follows. */
  get size(): number {
    return this.u32[this.offset >>> 2]!;
  }
  /** Enum kind. */
  get kind(): number {
    return this.u8[this.offset + 4]!;
  }
  /** Schema version. */
  get version(): number {
    return this.u8[this.offset + 5]!;
  }
  /** Enum flag, or-ed. */
  get flags(): number {
    return this.u16[(this.offset + 6) >>> 1]!;
  }
  /** When the call returned or the event happened. */
  get timeNs(): number {
    return this.u32[(this.offset + 12) >>> 2]! * 4294967296 + this.u32[(this.offset + 8) >>> 2]!;
  }
  /** Start of the process on CLOCK_BOOTTIME; with tgid its identity. */
  get startNs(): number {
    return this.u32[(this.offset + 20) >>> 2]! * 4294967296 + this.u32[(this.offset + 16) >>> 2]!;
  }
  /** Process id in the initial namespace. */
  get tgid(): number {
    return this.u32[(this.offset + 24) >>> 2]!;
  }
  /** Thread id in the initial namespace. */
  get tid(): number {
    return this.u32[(this.offset + 28) >>> 2]!;
  }
}

/** In a process whose calls are made by a pool: a thread has woken the one thread that waited at a futex, and had done so since before the waker received something last. */
export class WakeRecord extends RecordView {
  static readonly SIZE = 48;
  /** Bytes of this record with payload, without the alignment to 8 that follows. */
  get size(): number {
    return this.u32[this.offset >>> 2]!;
  }
  /** Enum kind. */
  get kind(): number {
    return this.u8[this.offset + 4]!;
  }
  /** Schema version. */
  get version(): number {
    return this.u8[this.offset + 5]!;
  }
  /** Enum flag, or-ed. */
  get flags(): number {
    return this.u16[(this.offset + 6) >>> 1]!;
  }
  /** When the call returned or the event happened. */
  get timeNs(): number {
    return this.u32[(this.offset + 12) >>> 2]! * 4294967296 + this.u32[(this.offset + 8) >>> 2]!;
  }
  /** Start of the process on CLOCK_BOOTTIME; with tgid its identity. */
  get startNs(): number {
    return this.u32[(this.offset + 20) >>> 2]! * 4294967296 + this.u32[(this.offset + 16) >>> 2]!;
  }
  /** Process id in the initial namespace. */
  get tgid(): number {
    return this.u32[(this.offset + 24) >>> 2]!;
  }
  /** Thread id in the initial namespace. */
  get tid(): number {
    return this.u32[(this.offset + 28) >>> 2]!;
  }
  /** Id of the woken thread in the initial namespace. */
  get woken(): number {
    return this.u32[(this.offset + 32) >>> 2]!;
  }
  /** Its turn, as in data. */
  get wokenTurn(): number {
    return this.u16[(this.offset + 36) >>> 1]!;
  }
  /** Of the waker, as in data. */
  get turn(): number {
    return this.u16[(this.offset + 38) >>> 1]!;
  }
  /** Of the waker, as in data. */
  get step(): number {
    return this.u16[(this.offset + 40) >>> 1]!;
  }
}

/** Facts about a process as JSON (type ProcessFacts). */
export class ProcessRecord extends RecordView {
  static readonly SIZE = 40;
  /** Bytes of this record with payload, without the alignment to 8 that follows. */
  get size(): number {
    return this.u32[this.offset >>> 2]!;
  }
  /** Enum kind. */
  get kind(): number {
    return this.u8[this.offset + 4]!;
  }
  /** Schema version. */
  get version(): number {
    return this.u8[this.offset + 5]!;
  }
  /** Enum flag, or-ed. */
  get flags(): number {
    return this.u16[(this.offset + 6) >>> 1]!;
  }
  /** When the call returned or the event happened. */
  get timeNs(): number {
    return this.u32[(this.offset + 12) >>> 2]! * 4294967296 + this.u32[(this.offset + 8) >>> 2]!;
  }
  /** Start of the process on CLOCK_BOOTTIME; with tgid its identity. */
  get startNs(): number {
    return this.u32[(this.offset + 20) >>> 2]! * 4294967296 + this.u32[(this.offset + 16) >>> 2]!;
  }
  /** Process id in the initial namespace. */
  get tgid(): number {
    return this.u32[(this.offset + 24) >>> 2]!;
  }
  /** Thread id in the initial namespace. */
  get tid(): number {
    return this.u32[(this.offset + 28) >>> 2]!;
  }
  /** Payload bytes that follow. */
  get captured(): number {
    return this.u32[(this.offset + 32) >>> 2]!;
  }
  /** The captured bytes; a view that is valid until the next drain. */
  get payload(): Uint8Array {
    const start = this.offset + 40;
    return this.u8.subarray(start, start + this.captured);
  }
}

/** An instant on all clocks, up to which all records have gone before; time_ns is the monotonic one. */
export class ClockRecord extends RecordView {
  static readonly SIZE = 56;
  /** Bytes of this record with payload, without the alignment to 8 that follows. */
  get size(): number {
    return this.u32[this.offset >>> 2]!;
  }
  /** Enum kind. */
  get kind(): number {
    return this.u8[this.offset + 4]!;
  }
  /** Schema version. */
  get version(): number {
    return this.u8[this.offset + 5]!;
  }
  /** Enum flag, or-ed. */
  get flags(): number {
    return this.u16[(this.offset + 6) >>> 1]!;
  }
  /** When the call returned or the event happened. */
  get timeNs(): number {
    return this.u32[(this.offset + 12) >>> 2]! * 4294967296 + this.u32[(this.offset + 8) >>> 2]!;
  }
  /** Start of the process on CLOCK_BOOTTIME; with tgid its identity. */
  get startNs(): number {
    return this.u32[(this.offset + 20) >>> 2]! * 4294967296 + this.u32[(this.offset + 16) >>> 2]!;
  }
  /** Process id in the initial namespace. */
  get tgid(): number {
    return this.u32[(this.offset + 24) >>> 2]!;
  }
  /** Thread id in the initial namespace. */
  get tid(): number {
    return this.u32[(this.offset + 28) >>> 2]!;
  }
  /** Unix time, whole seconds. */
  get realtimeS(): number {
    return this.u32[(this.offset + 36) >>> 2]! * 4294967296 + this.u32[(this.offset + 32) >>> 2]!;
  }
  /** CLOCK_BOOTTIME. */
  get boottimeNs(): number {
    return this.u32[(this.offset + 44) >>> 2]! * 4294967296 + this.u32[(this.offset + 40) >>> 2]!;
  }
  /** Unix time, nanoseconds within the second. */
  get realtimeNs(): number {
    return this.u32[(this.offset + 48) >>> 2]!;
  }
}

/** The kernel's cumulative counters; payload: one u64 a counter, then per port (u32 protocol<<16|port, u32 0, u64 records, u64 bytes) of unrecognised traffic. */
export class CountersRecord extends RecordView {
  static readonly SIZE = 56;
  /** Bytes of this record with payload, without the alignment to 8 that follows. */
  get size(): number {
    return this.u32[this.offset >>> 2]!;
  }
  /** Enum kind. */
  get kind(): number {
    return this.u8[this.offset + 4]!;
  }
  /** Schema version. */
  get version(): number {
    return this.u8[this.offset + 5]!;
  }
  /** Enum flag, or-ed. */
  get flags(): number {
    return this.u16[(this.offset + 6) >>> 1]!;
  }
  /** When the call returned or the event happened. */
  get timeNs(): number {
    return this.u32[(this.offset + 12) >>> 2]! * 4294967296 + this.u32[(this.offset + 8) >>> 2]!;
  }
  /** Start of the process on CLOCK_BOOTTIME; with tgid its identity. */
  get startNs(): number {
    return this.u32[(this.offset + 20) >>> 2]! * 4294967296 + this.u32[(this.offset + 16) >>> 2]!;
  }
  /** Process id in the initial namespace. */
  get tgid(): number {
    return this.u32[(this.offset + 24) >>> 2]!;
  }
  /** Thread id in the initial namespace. */
  get tid(): number {
    return this.u32[(this.offset + 28) >>> 2]!;
  }
  /** Records taken out of the ring so far. */
  get delivered(): number {
    return this.u32[(this.offset + 36) >>> 2]! * 4294967296 + this.u32[(this.offset + 32) >>> 2]!;
  }
  /** Records in the ring, not yet delivered, of the same instant as what was produced and lost; or enum in_ring. */
  get inRing(): number {
    return this.u32[(this.offset + 40) >>> 2]!;
  }
  /** U64 counters in the payload. */
  get counters(): number {
    return this.u32[(this.offset + 44) >>> 2]!;
  }
  /** Port entries in the payload. */
  get ports(): number {
    return this.u32[(this.offset + 48) >>> 2]!;
  }
  /** Payload bytes that follow. */
  get captured(): number {
    return this.u32[(this.offset + 52) >>> 2]!;
  }
  /** The captured bytes; a view that is valid until the next drain. */
  get payload(): Uint8Array {
    const start = this.offset + 56;
    return this.u8.subarray(start, start + this.captured);
  }
}

/** Facts about the host and the agent as JSON (type HostFacts). */
export class HostRecord extends RecordView {
  static readonly SIZE = 40;
  /** Bytes of this record with payload, without the alignment to 8 that follows. */
  get size(): number {
    return this.u32[this.offset >>> 2]!;
  }
  /** Enum kind. */
  get kind(): number {
    return this.u8[this.offset + 4]!;
  }
  /** Schema version. */
  get version(): number {
    return this.u8[this.offset + 5]!;
  }
  /** Enum flag, or-ed. */
  get flags(): number {
    return this.u16[(this.offset + 6) >>> 1]!;
  }
  /** When the call returned or the event happened. */
  get timeNs(): number {
    return this.u32[(this.offset + 12) >>> 2]! * 4294967296 + this.u32[(this.offset + 8) >>> 2]!;
  }
  /** Start of the process on CLOCK_BOOTTIME; with tgid its identity. */
  get startNs(): number {
    return this.u32[(this.offset + 20) >>> 2]! * 4294967296 + this.u32[(this.offset + 16) >>> 2]!;
  }
  /** Process id in the initial namespace. */
  get tgid(): number {
    return this.u32[(this.offset + 24) >>> 2]!;
  }
  /** Thread id in the initial namespace. */
  get tid(): number {
    return this.u32[(this.offset + 28) >>> 2]!;
  }
  /** Payload bytes that follow. */
  get captured(): number {
    return this.u32[(this.offset + 32) >>> 2]!;
  }
  /** The captured bytes; a view that is valid until the next drain. */
  get payload(): Uint8Array {
    const start = this.offset + 40;
    return this.u8.subarray(start, start + this.captured);
  }
}

/** The filters in force from here on, as JSON. */
export class FilterRecord extends RecordView {
  static readonly SIZE = 40;
  /** Bytes of this record with payload, without the alignment to 8 that follows. */
  get size(): number {
    return this.u32[this.offset >>> 2]!;
  }
  /** Enum kind. */
  get kind(): number {
    return this.u8[this.offset + 4]!;
  }
  /** Schema version. */
  get version(): number {
    return this.u8[this.offset + 5]!;
  }
  /** Enum flag, or-ed. */
  get flags(): number {
    return this.u16[(this.offset + 6) >>> 1]!;
  }
  /** When the call returned or the event happened. */
  get timeNs(): number {
    return this.u32[(this.offset + 12) >>> 2]! * 4294967296 + this.u32[(this.offset + 8) >>> 2]!;
  }
  /** Start of the process on CLOCK_BOOTTIME; with tgid its identity. */
  get startNs(): number {
    return this.u32[(this.offset + 20) >>> 2]! * 4294967296 + this.u32[(this.offset + 16) >>> 2]!;
  }
  /** Process id in the initial namespace. */
  get tgid(): number {
    return this.u32[(this.offset + 24) >>> 2]!;
  }
  /** Thread id in the initial namespace. */
  get tid(): number {
    return this.u32[(this.offset + 28) >>> 2]!;
  }
  /** Payload bytes that follow. */
  get captured(): number {
    return this.u32[(this.offset + 32) >>> 2]!;
  }
  /** The captured bytes; a view that is valid until the next drain. */
  get payload(): Uint8Array {
    const start = this.offset + 40;
    return this.u8.subarray(start, start + this.captured);
  }
}

/** Trace contexts of client spans that other hosts published, as JSON (type DirectoryEntry[]). */
export class DirectoryRecord extends RecordView {
  static readonly SIZE = 40;
  /** Bytes of this record with payload, without the alignment to 8 that follows. */
  get size(): number {
    return this.u32[this.offset >>> 2]!;
  }
  /** Enum kind. */
  get kind(): number {
    return this.u8[this.offset + 4]!;
  }
  /** Schema version. */
  get version(): number {
    return this.u8[this.offset + 5]!;
  }
  /** Enum flag, or-ed. */
  get flags(): number {
    return this.u16[(this.offset + 6) >>> 1]!;
  }
  /** When the call returned or the event happened. */
  get timeNs(): number {
    return this.u32[(this.offset + 12) >>> 2]! * 4294967296 + this.u32[(this.offset + 8) >>> 2]!;
  }
  /** Start of the process on CLOCK_BOOTTIME; with tgid its identity. */
  get startNs(): number {
    return this.u32[(this.offset + 20) >>> 2]! * 4294967296 + this.u32[(this.offset + 16) >>> 2]!;
  }
  /** Process id in the initial namespace. */
  get tgid(): number {
    return this.u32[(this.offset + 24) >>> 2]!;
  }
  /** Thread id in the initial namespace. */
  get tid(): number {
    return this.u32[(this.offset + 28) >>> 2]!;
  }
  /** Payload bytes that follow. */
  get captured(): number {
    return this.u32[(this.offset + 32) >>> 2]!;
  }
  /** The captured bytes; a view that is valid until the next drain. */
  get payload(): Uint8Array {
    const start = this.offset + 40;
    return this.u8.subarray(start, start + this.captured);
  }
}

/** From here on the kernel side tells whom the threads of a process wake, or does so no more. */
export class PoolRecord extends RecordView {
  static readonly SIZE = 40;
  /** Bytes of this record with payload, without the alignment to 8 that follows. */
  get size(): number {
    return this.u32[this.offset >>> 2]!;
  }
  /** Enum kind. */
  get kind(): number {
    return this.u8[this.offset + 4]!;
  }
  /** Schema version. */
  get version(): number {
    return this.u8[this.offset + 5]!;
  }
  /** Enum flag, or-ed. */
  get flags(): number {
    return this.u16[(this.offset + 6) >>> 1]!;
  }
  /** When the call returned or the event happened. */
  get timeNs(): number {
    return this.u32[(this.offset + 12) >>> 2]! * 4294967296 + this.u32[(this.offset + 8) >>> 2]!;
  }
  /** Start of the process on CLOCK_BOOTTIME; with tgid its identity. */
  get startNs(): number {
    return this.u32[(this.offset + 20) >>> 2]! * 4294967296 + this.u32[(this.offset + 16) >>> 2]!;
  }
  /** Process id in the initial namespace. */
  get tgid(): number {
    return this.u32[(this.offset + 24) >>> 2]!;
  }
  /** Thread id in the initial namespace. */
  get tid(): number {
    return this.u32[(this.offset + 28) >>> 2]!;
  }
  /** 1 or 0. */
  get watched(): number {
    return this.u32[(this.offset + 32) >>> 2]!;
  }
}

/** Progress of an elided run of a connection. */
export class ElisionRecord extends RecordView {
  static readonly SIZE = 80;
  /** Bytes of this record with payload, without the alignment to 8 that follows. */
  get size(): number {
    return this.u32[this.offset >>> 2]!;
  }
  /** Enum kind. */
  get kind(): number {
    return this.u8[this.offset + 4]!;
  }
  /** Schema version. */
  get version(): number {
    return this.u8[this.offset + 5]!;
  }
  /** Enum flag, or-ed. */
  get flags(): number {
    return this.u16[(this.offset + 6) >>> 1]!;
  }
  /** When the call returned or the event happened. */
  get timeNs(): number {
    return this.u32[(this.offset + 12) >>> 2]! * 4294967296 + this.u32[(this.offset + 8) >>> 2]!;
  }
  /** Start of the process on CLOCK_BOOTTIME; with tgid its identity. */
  get startNs(): number {
    return this.u32[(this.offset + 20) >>> 2]! * 4294967296 + this.u32[(this.offset + 16) >>> 2]!;
  }
  /** Process id in the initial namespace. */
  get tgid(): number {
    return this.u32[(this.offset + 24) >>> 2]!;
  }
  /** Thread id in the initial namespace. */
  get tid(): number {
    return this.u32[(this.offset + 28) >>> 2]!;
  }
  /** As in socket. */
  get sock(): number {
    return this.u32[(this.offset + 36) >>> 2]! * 4294967296 + this.u32[(this.offset + 32) >>> 2]!;
  }
  /** As in socket. */
  get inode(): number {
    return this.u32[(this.offset + 44) >>> 2]! * 4294967296 + this.u32[(this.offset + 40) >>> 2]!;
  }
  /** As in socket. */
  get gapStart(): number {
    return this.u32[(this.offset + 52) >>> 2]! * 4294967296 + this.u32[(this.offset + 48) >>> 2]!;
  }
  /** As in socket. */
  get gapEnd(): number {
    return this.u32[(this.offset + 60) >>> 2]! * 4294967296 + this.u32[(this.offset + 56) >>> 2]!;
  }
  /** As in socket. */
  get gapNs(): number {
    return this.u32[(this.offset + 68) >>> 2]! * 4294967296 + this.u32[(this.offset + 64) >>> 2]!;
  }
  /** As in socket. */
  get gapRecords(): number {
    return this.u32[(this.offset + 72) >>> 2]!;
  }
  /** Enum direction. */
  get gapDirection(): number {
    return this.u32[(this.offset + 76) >>> 2]!;
  }
}

/** Offsets of every field, for writing records and for comparing with the object’s BTF. */
export const LAYOUT = {
  data: {
    size: 216,
    fields: {
      size: { offset: 0, type: 'u32', count: 1 },
      kind: { offset: 4, type: 'u8', count: 1 },
      version: { offset: 5, type: 'u8', count: 1 },
      flags: { offset: 6, type: 'u16', count: 1 },
      time_ns: { offset: 8, type: 'u64', count: 1 },
      start_ns: { offset: 16, type: 'u64', count: 1 },
      tgid: { offset: 24, type: 'u32', count: 1 },
      tid: { offset: 28, type: 'u32', count: 1 },
      sock: { offset: 32, type: 'u64', count: 1 },
      inode: { offset: 40, type: 'u64', count: 1 },
      peer: { offset: 48, type: 'u64', count: 1 },
      cgroup: { offset: 56, type: 'u64', count: 1 },
      gap_start: { offset: 64, type: 'u64', count: 1 },
      gap_end: { offset: 72, type: 'u64', count: 1 },
      gap_ns: { offset: 80, type: 'u64', count: 1 },
      result: { offset: 88, type: 'i64', count: 1 },
      netns: { offset: 96, type: 'u32', count: 1 },
      tx_first: { offset: 100, type: 'u32', count: 1 },
      rx_first: { offset: 104, type: 'u32', count: 1 },
      gap_records: { offset: 108, type: 'u32', count: 1 },
      local_port: { offset: 112, type: 'u16', count: 1 },
      remote_port: { offset: 114, type: 'u16', count: 1 },
      syscall: { offset: 116, type: 'u16', count: 1 },
      family: { offset: 118, type: 'u8', count: 1 },
      sock_type: { offset: 119, type: 'u8', count: 1 },
      local: { offset: 120, type: 'u8', count: 16 },
      remote: { offset: 136, type: 'u8', count: 16 },
      protocol: { offset: 152, type: 'u8', count: 1 },
      gap_direction: { offset: 153, type: 'u8', count: 1 },
      tcp_state: { offset: 154, type: 'u8', count: 1 },
      direction: { offset: 155, type: 'u8', count: 1 },
      length: { offset: 156, type: 'u32', count: 1 },
      captured: { offset: 160, type: 'u32', count: 1 },
      message: { offset: 164, type: 'u32', count: 1 },
      enter_ns: { offset: 168, type: 'u64', count: 1 },
      position: { offset: 176, type: 'u64', count: 1 },
      context_id: { offset: 184, type: 'u64', count: 1 },
      context_parent: { offset: 192, type: 'u64', count: 1 },
      context_origin: { offset: 200, type: 'u64', count: 1 },
      position_kind: { offset: 208, type: 'u8', count: 1 },
      layer: { offset: 209, type: 'u8', count: 1 },
      context_kind: { offset: 210, type: 'u8', count: 1 },
      turn: { offset: 212, type: 'u16', count: 1 },
      step: { offset: 214, type: 'u16', count: 1 },
    },
  },
  connection: {
    size: 168,
    fields: {
      size: { offset: 0, type: 'u32', count: 1 },
      kind: { offset: 4, type: 'u8', count: 1 },
      version: { offset: 5, type: 'u8', count: 1 },
      flags: { offset: 6, type: 'u16', count: 1 },
      time_ns: { offset: 8, type: 'u64', count: 1 },
      start_ns: { offset: 16, type: 'u64', count: 1 },
      tgid: { offset: 24, type: 'u32', count: 1 },
      tid: { offset: 28, type: 'u32', count: 1 },
      sock: { offset: 32, type: 'u64', count: 1 },
      inode: { offset: 40, type: 'u64', count: 1 },
      peer: { offset: 48, type: 'u64', count: 1 },
      cgroup: { offset: 56, type: 'u64', count: 1 },
      gap_start: { offset: 64, type: 'u64', count: 1 },
      gap_end: { offset: 72, type: 'u64', count: 1 },
      gap_ns: { offset: 80, type: 'u64', count: 1 },
      result: { offset: 88, type: 'i64', count: 1 },
      netns: { offset: 96, type: 'u32', count: 1 },
      tx_first: { offset: 100, type: 'u32', count: 1 },
      rx_first: { offset: 104, type: 'u32', count: 1 },
      gap_records: { offset: 108, type: 'u32', count: 1 },
      local_port: { offset: 112, type: 'u16', count: 1 },
      remote_port: { offset: 114, type: 'u16', count: 1 },
      syscall: { offset: 116, type: 'u16', count: 1 },
      family: { offset: 118, type: 'u8', count: 1 },
      sock_type: { offset: 119, type: 'u8', count: 1 },
      local: { offset: 120, type: 'u8', count: 16 },
      remote: { offset: 136, type: 'u8', count: 16 },
      protocol: { offset: 152, type: 'u8', count: 1 },
      gap_direction: { offset: 153, type: 'u8', count: 1 },
      tcp_state: { offset: 154, type: 'u8', count: 1 },
      event: { offset: 155, type: 'u8', count: 1 },
      fd: { offset: 156, type: 'u32', count: 1 },
      captured: { offset: 160, type: 'u32', count: 1 },
      turn: { offset: 164, type: 'u16', count: 1 },
      step: { offset: 166, type: 'u16', count: 1 },
    },
  },
  exec: {
    size: 88,
    fields: {
      size: { offset: 0, type: 'u32', count: 1 },
      kind: { offset: 4, type: 'u8', count: 1 },
      version: { offset: 5, type: 'u8', count: 1 },
      flags: { offset: 6, type: 'u16', count: 1 },
      time_ns: { offset: 8, type: 'u64', count: 1 },
      start_ns: { offset: 16, type: 'u64', count: 1 },
      tgid: { offset: 24, type: 'u32', count: 1 },
      tid: { offset: 28, type: 'u32', count: 1 },
      cgroup: { offset: 32, type: 'u64', count: 1 },
      parent: { offset: 40, type: 'u32', count: 1 },
      uid: { offset: 44, type: 'u32', count: 1 },
      netns: { offset: 48, type: 'u32', count: 1 },
      captured: { offset: 52, type: 'u32', count: 1 },
      exe_length: { offset: 56, type: 'u16', count: 1 },
      cgroup_length: { offset: 58, type: 'u16', count: 1 },
      cwd_length: { offset: 60, type: 'u16', count: 1 },
      argv_length: { offset: 62, type: 'u16', count: 1 },
      environ_length: { offset: 64, type: 'u16', count: 1 },
      comm: { offset: 72, type: 'u8', count: 16 },
    },
  },
  fork: {
    size: 48,
    fields: {
      size: { offset: 0, type: 'u32', count: 1 },
      kind: { offset: 4, type: 'u8', count: 1 },
      version: { offset: 5, type: 'u8', count: 1 },
      flags: { offset: 6, type: 'u16', count: 1 },
      time_ns: { offset: 8, type: 'u64', count: 1 },
      start_ns: { offset: 16, type: 'u64', count: 1 },
      tgid: { offset: 24, type: 'u32', count: 1 },
      tid: { offset: 28, type: 'u32', count: 1 },
      parent_start_ns: { offset: 32, type: 'u64', count: 1 },
      parent: { offset: 40, type: 'u32', count: 1 },
    },
  },
  exit: {
    size: 40,
    fields: {
      size: { offset: 0, type: 'u32', count: 1 },
      kind: { offset: 4, type: 'u8', count: 1 },
      version: { offset: 5, type: 'u8', count: 1 },
      flags: { offset: 6, type: 'u16', count: 1 },
      time_ns: { offset: 8, type: 'u64', count: 1 },
      start_ns: { offset: 16, type: 'u64', count: 1 },
      tgid: { offset: 24, type: 'u32', count: 1 },
      tid: { offset: 28, type: 'u32', count: 1 },
      code: { offset: 32, type: 'u32', count: 1 },
    },
  },
  uring: {
    size: 40,
    fields: {
      size: { offset: 0, type: 'u32', count: 1 },
      kind: { offset: 4, type: 'u8', count: 1 },
      version: { offset: 5, type: 'u8', count: 1 },
      flags: { offset: 6, type: 'u16', count: 1 },
      time_ns: { offset: 8, type: 'u64', count: 1 },
      start_ns: { offset: 16, type: 'u64', count: 1 },
      tgid: { offset: 24, type: 'u32', count: 1 },
      tid: { offset: 28, type: 'u32', count: 1 },
      entries: { offset: 32, type: 'u32', count: 1 },
    },
  },
  pause: {
    size: 32,
    fields: {
      size: { offset: 0, type: 'u32', count: 1 },
      kind: { offset: 4, type: 'u8', count: 1 },
      version: { offset: 5, type: 'u8', count: 1 },
      flags: { offset: 6, type: 'u16', count: 1 },
      time_ns: { offset: 8, type: 'u64', count: 1 },
      start_ns: { offset: 16, type: 'u64', count: 1 },
      tgid: { offset: 24, type: 'u32', count: 1 },
      tid: { offset: 28, type: 'u32', count: 1 },
    },
  },
  wake: {
    size: 48,
    fields: {
      size: { offset: 0, type: 'u32', count: 1 },
      kind: { offset: 4, type: 'u8', count: 1 },
      version: { offset: 5, type: 'u8', count: 1 },
      flags: { offset: 6, type: 'u16', count: 1 },
      time_ns: { offset: 8, type: 'u64', count: 1 },
      start_ns: { offset: 16, type: 'u64', count: 1 },
      tgid: { offset: 24, type: 'u32', count: 1 },
      tid: { offset: 28, type: 'u32', count: 1 },
      woken: { offset: 32, type: 'u32', count: 1 },
      woken_turn: { offset: 36, type: 'u16', count: 1 },
      turn: { offset: 38, type: 'u16', count: 1 },
      step: { offset: 40, type: 'u16', count: 1 },
    },
  },
  process: {
    size: 40,
    fields: {
      size: { offset: 0, type: 'u32', count: 1 },
      kind: { offset: 4, type: 'u8', count: 1 },
      version: { offset: 5, type: 'u8', count: 1 },
      flags: { offset: 6, type: 'u16', count: 1 },
      time_ns: { offset: 8, type: 'u64', count: 1 },
      start_ns: { offset: 16, type: 'u64', count: 1 },
      tgid: { offset: 24, type: 'u32', count: 1 },
      tid: { offset: 28, type: 'u32', count: 1 },
      captured: { offset: 32, type: 'u32', count: 1 },
    },
  },
  clock: {
    size: 56,
    fields: {
      size: { offset: 0, type: 'u32', count: 1 },
      kind: { offset: 4, type: 'u8', count: 1 },
      version: { offset: 5, type: 'u8', count: 1 },
      flags: { offset: 6, type: 'u16', count: 1 },
      time_ns: { offset: 8, type: 'u64', count: 1 },
      start_ns: { offset: 16, type: 'u64', count: 1 },
      tgid: { offset: 24, type: 'u32', count: 1 },
      tid: { offset: 28, type: 'u32', count: 1 },
      realtime_s: { offset: 32, type: 'u64', count: 1 },
      boottime_ns: { offset: 40, type: 'u64', count: 1 },
      realtime_ns: { offset: 48, type: 'u32', count: 1 },
    },
  },
  counters: {
    size: 56,
    fields: {
      size: { offset: 0, type: 'u32', count: 1 },
      kind: { offset: 4, type: 'u8', count: 1 },
      version: { offset: 5, type: 'u8', count: 1 },
      flags: { offset: 6, type: 'u16', count: 1 },
      time_ns: { offset: 8, type: 'u64', count: 1 },
      start_ns: { offset: 16, type: 'u64', count: 1 },
      tgid: { offset: 24, type: 'u32', count: 1 },
      tid: { offset: 28, type: 'u32', count: 1 },
      delivered: { offset: 32, type: 'u64', count: 1 },
      in_ring: { offset: 40, type: 'u32', count: 1 },
      counters: { offset: 44, type: 'u32', count: 1 },
      ports: { offset: 48, type: 'u32', count: 1 },
      captured: { offset: 52, type: 'u32', count: 1 },
    },
  },
  host: {
    size: 40,
    fields: {
      size: { offset: 0, type: 'u32', count: 1 },
      kind: { offset: 4, type: 'u8', count: 1 },
      version: { offset: 5, type: 'u8', count: 1 },
      flags: { offset: 6, type: 'u16', count: 1 },
      time_ns: { offset: 8, type: 'u64', count: 1 },
      start_ns: { offset: 16, type: 'u64', count: 1 },
      tgid: { offset: 24, type: 'u32', count: 1 },
      tid: { offset: 28, type: 'u32', count: 1 },
      captured: { offset: 32, type: 'u32', count: 1 },
    },
  },
  filter: {
    size: 40,
    fields: {
      size: { offset: 0, type: 'u32', count: 1 },
      kind: { offset: 4, type: 'u8', count: 1 },
      version: { offset: 5, type: 'u8', count: 1 },
      flags: { offset: 6, type: 'u16', count: 1 },
      time_ns: { offset: 8, type: 'u64', count: 1 },
      start_ns: { offset: 16, type: 'u64', count: 1 },
      tgid: { offset: 24, type: 'u32', count: 1 },
      tid: { offset: 28, type: 'u32', count: 1 },
      captured: { offset: 32, type: 'u32', count: 1 },
    },
  },
  directory: {
    size: 40,
    fields: {
      size: { offset: 0, type: 'u32', count: 1 },
      kind: { offset: 4, type: 'u8', count: 1 },
      version: { offset: 5, type: 'u8', count: 1 },
      flags: { offset: 6, type: 'u16', count: 1 },
      time_ns: { offset: 8, type: 'u64', count: 1 },
      start_ns: { offset: 16, type: 'u64', count: 1 },
      tgid: { offset: 24, type: 'u32', count: 1 },
      tid: { offset: 28, type: 'u32', count: 1 },
      captured: { offset: 32, type: 'u32', count: 1 },
    },
  },
  pool: {
    size: 40,
    fields: {
      size: { offset: 0, type: 'u32', count: 1 },
      kind: { offset: 4, type: 'u8', count: 1 },
      version: { offset: 5, type: 'u8', count: 1 },
      flags: { offset: 6, type: 'u16', count: 1 },
      time_ns: { offset: 8, type: 'u64', count: 1 },
      start_ns: { offset: 16, type: 'u64', count: 1 },
      tgid: { offset: 24, type: 'u32', count: 1 },
      tid: { offset: 28, type: 'u32', count: 1 },
      watched: { offset: 32, type: 'u32', count: 1 },
    },
  },
  elision: {
    size: 80,
    fields: {
      size: { offset: 0, type: 'u32', count: 1 },
      kind: { offset: 4, type: 'u8', count: 1 },
      version: { offset: 5, type: 'u8', count: 1 },
      flags: { offset: 6, type: 'u16', count: 1 },
      time_ns: { offset: 8, type: 'u64', count: 1 },
      start_ns: { offset: 16, type: 'u64', count: 1 },
      tgid: { offset: 24, type: 'u32', count: 1 },
      tid: { offset: 28, type: 'u32', count: 1 },
      sock: { offset: 32, type: 'u64', count: 1 },
      inode: { offset: 40, type: 'u64', count: 1 },
      gap_start: { offset: 48, type: 'u64', count: 1 },
      gap_end: { offset: 56, type: 'u64', count: 1 },
      gap_ns: { offset: 64, type: 'u64', count: 1 },
      gap_records: { offset: 72, type: 'u32', count: 1 },
      gap_direction: { offset: 76, type: 'u32', count: 1 },
    },
  },
} as const;
