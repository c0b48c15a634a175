/**
 * Which container a cgroup path belongs to. Runtimes name the cgroup after the container, cgroup v1 and v2 alike:
 *
 *   /docker/<id>                                                            Docker, cgroupfs driver
 *   /system.slice/docker-<id>.scope                                         Docker, systemd driver
 *   /kubepods/burstable/pod<uid>/<id>                                       kubelet, cgroupfs driver; guaranteed pods have no class
 *   /kubepods.slice/…/kubepods-besteffort-pod<uid_with_underscores>.slice/cri-containerd-<id>.scope
 *   /kubepods-burstable-pod<uid>.slice:cri-containerd:<id>                  containerd with a systemd path handed to cgroupfs
 *   /kubepods.slice/…/crio-<id>.scope, /libpod_parent/libpod-<id>, /machine.slice/libpod-<id>.scope/container
 *   /lxc/<name>, /lxc.payload.<name>, /machine.slice/machine-<name>.scope   containers with names in place of ids
 *
 * Containers in containers (kind, Docker in Docker) nest: the innermost is the one the process is in.
 */
export interface ContainerFacts {
  /** 64 hex digits, or what the runtime uses (32 on some clouds, with `-<number>` on ECS). */
  id?: string;
  podUid?: string;
  /** The name, where the path has one instead of an id. */
  name?: string;
  runtime?: 'docker' | 'containerd' | 'cri-o' | 'podman' | 'lxc' | 'nspawn';
}

const PREFIX: ReadonlyArray<[RegExp, ContainerFacts['runtime']]> = [
  [/^docker-/, 'docker'],
  [/^cri-containerd-|^nerdctl-|^containerd-/, 'containerd'],
  [/^crio-/, 'cri-o'],
  [/^libpod-|^podman-/, 'podman'],
];
const ID = /^(?:[0-9a-f]{64}|[0-9a-f]{32}-\d{5,12})$/;
const POD =
  /(?:^|-)pod([0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12}|[0-9a-f]{32})(?:\.slice)?$/i;
const NSPAWN = /^machine-(.+)\.scope$/;
const LXC_PAYLOAD = /^lxc\.payload\.(.+)$/;
/** conmon watches a container from outside of it. */
const MONITOR = /^(?:crio|libpod)-conmon-|^lxc\.monitor\./;

/** Reads a path inside the cgroup hierarchy. */
export function parseContainer(cgroup: string | undefined): ContainerFacts {
  let found: ContainerFacts = {};
  let previous = '';
  for (const component of (cgroup ?? '').split('/')) {
    // containerd's `slice:prefix:id` form is three components in one.
    for (const part of component.split(':')) {
      found = readComponent(part, previous, found);
      previous = part;
    }
  }
  return found;
}

function readComponent(part: string, previous: string, outer: ContainerFacts): ContainerFacts {
  if (part === '' || MONITOR.test(part)) return outer;
  const pod = POD.exec(part);
  // A pod's cgroup holds containers; whatever container stood further out is not ours.
  if (pod !== null) return { podUid: dashed(pod[1]!) };
  const id = readId(part, previous);
  if (id !== undefined) {
    const fresh = outer.id === undefined ? outer : nested(outer);
    return { ...fresh, ...id };
  }
  const lxc = LXC_PAYLOAD.exec(part)?.[1] ?? (previous === 'lxc' ? part : undefined);
  if (lxc !== undefined) return { name: lxc, runtime: 'lxc' };
  const nspawn = NSPAWN.exec(part)?.[1];
  return nspawn === undefined ? outer : { name: nspawn, runtime: 'nspawn' };
}

/** A container within a container of a pod is still in that pod. */
function nested({ podUid }: ContainerFacts): ContainerFacts {
  return podUid === undefined ? {} : { podUid };
}

function readId(part: string, previous: string): ContainerFacts | undefined {
  const bare = part.endsWith('.scope') ? part.slice(0, -'.scope'.length) : part;
  for (const [prefix, runtime] of PREFIX) {
    const id = bare.replace(prefix, '');
    if (id !== bare && ID.test(id)) return { id, ...(runtime && { runtime }) };
  }
  if (!ID.test(bare)) return undefined;
  if (previous === 'docker') return { id: bare, runtime: 'docker' };
  if (previous === 'cri-containerd' || previous === 'containerd') return { id: bare, runtime: 'containerd' };
  return { id: bare };
}

function dashed(uid: string): string {
  if (uid.length === 32) return uid.toLowerCase(); // static pods: a hash, which the API shows as it is
  return uid.replaceAll('_', '-').toLowerCase();
}
