import type { NamedProcess, ServiceNameResolver } from './service-name.ts';

/** Letters and digits that Kubernetes makes random suffixes of: no vowels, nothing that looks like another (apimachinery, util/rand). */
const SAFE = '[bcdfghjklmnpqrstvwxz2456789]';
/** Deployment, replica set hash, pod suffix; then DaemonSet and Job; then StatefulSet. */
const GENERATED = [
  new RegExp(`^(.+)-${SAFE}{6,10}-${SAFE}{5}$`),
  new RegExp(`^(.+)-${SAFE}{5}$`),
  /^(.+)-\d{1,5}$/,
];

/** The workload that a pod belongs to, by the name that its controller gave it. */
export function workloadOf(pod: string): string {
  for (const pattern of GENERATED) {
    const match = pattern.exec(pod);
    if (match !== null) return match[1]!;
  }
  return pod;
}

/** Inside a pod HOSTNAME is its name, unless it shares the host's network. */
export function podNameOf({ facts, container, hostName }: NamedProcess): string | undefined {
  const environ = facts.environ ?? {};
  const told = environ.POD_NAME || environ.MY_POD_NAME || environ.K8S_POD_NAME;
  if (told) return told;
  const inPod = container.podUid !== undefined || environ.KUBERNETES_SERVICE_HOST !== undefined;
  return inPod && environ.HOSTNAME && environ.HOSTNAME !== hostName ? environ.HOSTNAME : undefined;
}

/** Name of the workload, or of the container where the pod's manifest hands it down. */
export const kubernetes: ServiceNameResolver = {
  source: 'kubernetes',
  resolve(process) {
    const environ = process.facts.environ ?? {};
    const told = environ.K8S_DEPLOYMENT_NAME || environ.K8S_CONTAINER_NAME;
    if (told) return told;
    const pod = podNameOf(process);
    return pod && workloadOf(pod);
  },
};
