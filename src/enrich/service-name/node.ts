import { baseName, nodeTarget, runtimeOf } from '../../capture/launch.ts';
import type { ServiceNameResolver } from './service-name.ts';
import { directoryName, scriptName } from './words.ts';

/** The package that a script belongs to (from its package.json), else the script. */
export const node: ServiceNameResolver = {
  source: 'nodejs',
  resolve({ facts, runtime }) {
    if (runtime !== 'node') return undefined;
    const declared = facts.files?.['package.name'];
    if (declared) return declared;
    const { script, manager } = nodeTarget(facts);
    if (manager)
      return facts.environ?.npm_package_name ?? directoryName(facts.cwd ?? '/') ?? 'node-application';
    if (script !== undefined) return packageIn(script) ?? scriptName(script, facts.cwd);
    const rewritten = rewrittenTitle(facts.argv);
    return rewritten ?? directoryName(facts.cwd ?? '/') ?? 'node-application';
  },
};

/** A tool installed as a package: `/usr/lib/node_modules/verdaccio/bin/verdaccio`, `/app/node_modules/.bin/next`. */
function packageIn(script: string): string | undefined {
  const at = script.lastIndexOf('/node_modules/');
  if (at < 0) return undefined;
  const [scope, name, last] = script.slice(at + '/node_modules/'.length).split('/');
  if (scope === '.bin') return name;
  return scope?.startsWith('@') && last !== undefined ? `${scope}/${name}` : scope;
}

/** `process.title = 'orders-api'` leaves one word that is no interpreter. */
function rewrittenTitle(argv: readonly string[] | undefined): string | undefined {
  const first = argv?.[0];
  if (first === undefined || (argv?.length ?? 0) > 1 || first.includes(' ') || first.startsWith('/'))
    return undefined;
  return runtimeOf({ source: 'scan', exe: first }) === undefined ? baseName(first) : undefined;
}
