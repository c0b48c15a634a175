import type { ServiceOverride } from '../../base/settings.ts';
import { baseName } from '../../capture/launch.ts';
import { matchesGlob } from '../glob.ts';
import type { NamedProcess, ServiceNameResolver } from './service-name.ts';

/** The strongest resolver: names from the configuration, the first rule that fits. */
export function overrideResolver(rules: readonly ServiceOverride[]): ServiceNameResolver {
  return {
    source: 'config',
    resolve: (process) => rules.find((rule) => fits(rule, process))?.name,
  };
}

function fits(rule: ServiceOverride, { facts, container }: NamedProcess): boolean {
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
