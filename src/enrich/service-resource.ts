import { createHash } from 'node:crypto';

import type { HostFacts, ProcessFacts } from '../capture/facts.ts';
import { type Runtime, baseName, runtimeOf } from '../capture/launch.ts';
import type { Attributes } from '../decode/exchange.ts';
import { type ContainerFacts, parseContainer } from './container.ts';
import { parseResourceAttributes } from './resource-attributes.ts';
import type { ServiceResource } from './resource.ts';
import { resolvers } from './service-name/index.ts';
import { podNameOf } from './service-name/kubernetes.ts';
import {
  type NamedProcess,
  type ServiceName,
  type ServiceNameResolver,
  sanitizeName,
} from './service-name/service-name.ts';

/** Namespace for service.instance.id, from the semantic conventions. */
const INSTANCE_NAMESPACE = '4d63009a-8d0f-11ee-aad7-4c796ed8e320';
const UNKNOWN: ServiceName = { name: 'unknown_service', source: 'unknown' };
/** semconv's values for process.runtime.name where it has examples, else the program's. */
const RUNTIME_NAME: Partial<Record<Runtime, string>> = {
  node: 'nodejs',
  python: 'cpython',
  dotnet: 'dotnet',
  java: 'java',
  ruby: 'ruby',
  php: 'php',
  perl: 'perl',
  deno: 'deno',
  bun: 'bun',
  beam: 'beam',
};
/** semconv's host.arch for what uname says. */
const ARCH: Record<string, string> = {
  x86_64: 'amd64',
  x64: 'amd64',
  aarch64: 'arm64',
  ia32: 'x86',
  i686: 'x86',
};

/** What a resource is made of. */
export interface ResourceInput {
  readonly facts: ProcessFacts;
  readonly tgid: number;
  /** Clock tick of the start, so that kernel and /proc agree. */
  readonly startTick: number;
  /** ISO 8601, undefined while no clock record has been seen. */
  readonly createdAt: string | undefined;
  readonly host: HostFacts | undefined;
  /** Names from the configuration. */
  readonly override: ServiceNameResolver | undefined;
}

/** Name of the service a process is, and which resolver said so. */
export function nameService(process: NamedProcess, override?: ServiceNameResolver): ServiceName {
  for (const resolver of override === undefined ? resolvers : [override, ...resolvers]) {
    const found = resolver.resolve(process);
    const name = found && sanitizeName(found);
    if (name) return { name, source: resolver.source };
  }
  return UNKNOWN;
}

/** The resource of a service instance: who it is, where it runs, who says so. */
export function makeResource(input: ResourceInput): ServiceResource {
  const { facts, host } = input;
  const container = parseContainer(facts.cgroup);
  const runtime = runtimeOf(facts);
  const named: NamedProcess = { facts, container, runtime, hostName: host?.hostName ?? '' };
  const name = nameService(named, input.override);
  const declared = parseResourceAttributes(facts.environ?.OTEL_RESOURCE_ATTRIBUTES);
  const attributes: Attributes = {};
  for (const [key, value] of Object.entries(declared)) {
    // The SDK that made these spans is nobody's but ours.
    if (!key.startsWith('telemetry.')) attributes[key] = value;
  }
  put(attributes, {
    'service.name': name.name,
    'service.namespace': declared['service.namespace'] ?? namespaceOf(facts),
    'service.version': declared['service.version'] ?? versionOf(facts),
    'service.instance.id': declared['service.instance.id'] ?? instanceId(input),
    'deployment.environment.name': declared['deployment.environment.name'] ?? facts.environ?.DD_ENV,
    'undertrace.service.name.source': name.source,
    ...processAttributes(input, runtime),
    ...placeAttributes(named, container),
    ...hostAttributes(host),
    'telemetry.distro.name': 'undertrace',
    'telemetry.distro.version': host?.agentVersion,
  });
  return { serviceName: name.name, attributes };
}

/** Adds what is known. */
function put(attributes: Attributes, more: Record<string, string | number | undefined>): void {
  for (const [key, value] of Object.entries(more)) {
    if (value !== undefined && value !== '') attributes[key] = value;
  }
}

function processAttributes(
  input: ResourceInput,
  runtime: Runtime | undefined,
): Record<string, string | number | undefined> {
  const { facts } = input;
  const exe = facts.exe;
  if (facts.address !== undefined) return {};
  return {
    'process.pid': input.tgid,
    'process.parent_pid': facts.parent,
    'process.creation.time': input.createdAt,
    'process.executable.name': exe === undefined ? facts.comm : baseName(exe),
    'process.executable.path': exe,
    'process.command': facts.argv?.[0],
    'process.owner': facts.user ?? facts.uid?.toString(),
    'process.runtime.name': runtimeName(runtime, exe),
  };
}

function runtimeName(runtime: Runtime | undefined, exe: string | undefined): string | undefined {
  if (runtime === undefined) return undefined;
  return runtime === 'python' && exe?.includes('pypy') ? 'pypy' : RUNTIME_NAME[runtime];
}

function placeAttributes(
  process: NamedProcess,
  container: ContainerFacts,
): Record<string, string | undefined> {
  const environ = process.facts.environ ?? {};
  return {
    'container.id': container.id,
    'container.name': container.name,
    'container.runtime.name': container.id === undefined ? undefined : container.runtime,
    'k8s.pod.uid': container.podUid ?? environ.POD_UID,
    'k8s.pod.name': podNameOf(process),
    'k8s.namespace.name': kubernetesNamespace(process.facts),
    'k8s.container.name': environ.K8S_CONTAINER_NAME,
    'k8s.deployment.name': environ.K8S_DEPLOYMENT_NAME,
    'k8s.node.name': environ.NODE_NAME,
  };
}

function hostAttributes(host: HostFacts | undefined): Record<string, string | undefined> {
  return {
    'host.name': host?.hostName,
    'host.id': host?.hostId,
    'host.arch': host && (ARCH[host.arch] ?? host.arch),
    'os.type': host?.osType,
    'os.description': host?.osDescription,
    'os.version': host?.osVersion,
  };
}

function kubernetesNamespace({ environ }: ProcessFacts): string | undefined {
  return (
    environ?.POD_NAMESPACE ??
    environ?.MY_POD_NAMESPACE ??
    environ?.K8S_POD_NAMESPACE ??
    environ?.K8S_NAMESPACE
  );
}

function namespaceOf(facts: ProcessFacts): string | undefined {
  return kubernetesNamespace(facts) ?? facts.environ?.COMPOSE_PROJECT_NAME;
}

function versionOf({ environ, files }: ProcessFacts): string | undefined {
  return environ?.DD_VERSION ?? files?.['package.version'] ?? files?.['manifest.Implementation-Version'];
}

/** Stable as long as the process lives, over restarts of the agent too; of an address in a packet capture the same in every capture. */
function instanceId({ facts, host, tgid, startTick }: ResourceInput): string {
  return uuidV5(
    INSTANCE_NAMESPACE,
    facts.address ?? `${host?.hostId ?? host?.bootId ?? host?.hostName ?? ''}:${tgid}:${startTick}`,
  );
}

/** RFC 9562, section 5.5. */
export function uuidV5(namespace: string, name: string): string {
  const hash = createHash('sha1')
    .update(Buffer.from(namespace.replaceAll('-', ''), 'hex'))
    .update(name)
    .digest();
  hash[6] = (hash[6]! & 0x0f) | 0x50;
  hash[8] = (hash[8]! & 0x3f) | 0x80;
  const hex = hash.toString('hex', 0, 16);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
