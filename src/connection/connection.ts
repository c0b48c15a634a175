/** Who has connected to a proxy, by the PROXY protocol. */
export interface Origin {
  readonly address: string;
  readonly port: number;
}

/** What identifies and locates one end of a connection; stable while the socket lives. Addresses are text (`127.0.0.1`, `::1`, unix path). */
export interface Connection {
  /** Ordinal, unique while the agent runs. */
  readonly id: number;
  /** Kernel identity: address of the socket, inode, network namespace. */
  readonly sock: number;
  readonly inode: number;
  readonly netns: number;
  readonly transport: 'tcp' | 'udp' | 'unix';
  /** True for the accepting end, false for the connecting end, undefined where the kernel does not tell (unix sockets, some old ones). */
  accepted: boolean | undefined;
  localAddress: string;
  localPort: number;
  remoteAddress: string;
  remotePort: number;
  /** TCP: absolute sequence numbers of the first byte of each direction. Unix: low halves of the own inode and of the peer's. 0: not known. */
  txFirst: number;
  rxFirst: number;
  /** Unix: kernel address of the peer socket. */
  peer: number;
  /** The client of the proxy that has connected, where that has said who it is. */
  origin?: Origin | undefined;
  /** Process that used the socket last. */
  tgid: number;
  processStartNs: number;
}
