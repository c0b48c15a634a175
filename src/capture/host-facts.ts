import { readFileSync } from 'node:fs';
import { arch, hostname, release } from 'node:os';

import type { HostFacts } from './facts.ts';

/** OpenTelemetry's names for the architectures Node knows. */
const HOST_ARCH: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** What this host and agent are; read once at start. */
export function readHostFacts(agent: {
  version: string;
  pid: number;
  backend: string;
  boottimeOffsetNs: number;
}): HostFacts {
  const osRelease = parseOsRelease(readOptional('/etc/os-release') ?? '');
  return {
    hostName: hostname(),
    hostId: readOptional('/etc/machine-id') ?? readOptional('/var/lib/dbus/machine-id'),
    arch: HOST_ARCH[arch()] ?? arch(),
    osType: 'linux',
    osDescription: osRelease.PRETTY_NAME,
    osVersion: osRelease.VERSION_ID,
    kernel: release(),
    backend: agent.backend,
    bootId: readOptional('/proc/sys/kernel/random/boot_id') ?? 'unknown',
    agentVersion: agent.version,
    agentPid: agent.pid,
    boottimeOffsetNs: agent.boottimeOffsetNs,
  };
}

function readOptional(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim() || undefined;
  } catch {
    return undefined; // minimal images lack these files
  }
}

/** os-release(5): KEY=value lines, values optionally quoted. */
function parseOsRelease(text: string): Record<string, string> {
  const entries = [...text.matchAll(/^([A-Z_]+)=(?:"(.*)"|'(.*)'|(.*))$/gm)];
  return Object.fromEntries(entries.map((m) => [m[1]!, m[2] ?? m[3] ?? m[4] ?? '']));
}
