/** What `process` and `host` records carry. Everything that naming a service needs enters the pipeline in these two shapes. */

/** Facts about one process; later facts for the same (tgid, start) are merged over earlier ones. JSON payload of a `process` record. */
export interface ProcessFacts {
  /** How the fact was learned. */
  source: 'exec' | 'scan' | 'late';
  parent?: number;
  uid?: number;
  user?: string;
  comm?: string;
  exe?: string;
  cwd?: string;
  argv?: string[];
  /** Only the variables that naming needs (ENVIRONMENT_ALLOWLIST). */
  environ?: Record<string, string>;
  /** Path inside the cgroup hierarchy; v1 and v2. */
  cgroup?: string;
  netns?: number;
  /** Contents read after the fact for a resolver, such as the name in a package.json: resolver-defined keys. */
  files?: Record<string, string>;
  /** There is no process: this address (`10.0.0.1:80`, `[::1]:80`) serves in a packet capture. */
  address?: string;
  /** This process is an agent of this product: ourselves or another. */
  agent?: boolean;
}

/** JSON payload of the `host` record. Texts are empty where nothing is known, as of the host whose packets a capture holds. */
export interface HostFacts {
  hostName: string;
  hostId?: string;
  arch: string;
  osType: 'linux' | '';
  osDescription?: string;
  osVersion?: string;
  kernel: string;
  backend: string;
  bootId: string;
  agentVersion: string;
  agentPid: number;
  /** CLOCK_BOOTTIME minus CLOCK_MONOTONIC at start, to put process starts on the pipeline's clock. */
  boottimeOffsetNs: number;
}
