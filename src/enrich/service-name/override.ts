import { baseName } from '../../capture/launch.ts';
import { matchesGlob } from '../glob.ts';
import type { NamedProcess, ServiceNameResolver } from './service-name.ts';

/** A service name out of the configuration, for processes that fit all the globs that are given. */
export interface ServiceNameOverride {
  name: string;
  /** Path of the executable; a glob without `/` is compared with its last component. */
  executable?: string;
  /** Command line, arguments joined by blanks. */
  command?: string;
  cgroup?: string;
  container_id?: string;
  user?: string;
}

/** The strongest resolver: names from the configuration, the first rule that fits. */
export function overrideResolver(rules: readonly ServiceNameOverride[]): ServiceNameResolver {
  return {
    source: 'config',
    resolve: (process) => rules.find((rule) => fits(rule, process))?.name,
  };
}

function fits(rule: ServiceNameOverride, { facts, container }: NamedProcess): boolean {
  const { executable, command, cgroup, container_id: containerId, user } = rule;
  if (executable !== undefined && !fitsExecutable(executable, facts.exe)) return false;
  if (command !== undefined && !matchesGlob(command, (facts.argv ?? []).join(' '))) return false;
  if (cgroup !== undefined && !matchesGlob(cgroup, facts.cgroup ?? '')) return false;
  if (containerId !== undefined && !matchesGlob(containerId, container.id ?? '')) return false;
  if (user !== undefined && !matchesGlob(user, facts.user ?? '')) return false;
  return [executable, command, cgroup, containerId, user].some((glob) => glob !== undefined);
}

/** A glob without a slash means the program's file name. */
export function fitsExecutable(glob: string, exe: string | undefined): boolean {
  if (exe === undefined) return false;
  return matchesGlob(glob, glob.includes('/') ? exe : baseName(exe));
}
