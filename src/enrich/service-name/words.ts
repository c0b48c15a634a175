import { baseName, directoryOf, resolvePath } from '../../capture/launch.ts';

/** Script names that say nothing: the directory is named for the program then. */
const GENERIC = /^(?:index|main|app|__main__|__init__|manage|wsgi|asgi|config|application)$/i;
/** Directories that say nothing either. */
const GENERIC_DIRECTORY =
  /^(?:app|apps|src|dist|build|lib|bin|out|output|public|htdocs|html|www|code|release|current|target|usr|opt|srv|var|home|root|tmp|local|workspace|work|project|site|server|)$/i;

/** A script that came through a descriptor. */
const UNNAMED = /^\/(?:dev\/(?:fd\/|stdin)|proc\/[^/]+\/fd\/)/;

/** `/srv/shop/checkout.py` is `checkout`, `/srv/shop/dist/index.js` is `shop`. */
export function scriptName(script: string, cwd: string | undefined): string | undefined {
  const path = resolvePath(cwd ?? '/', script);
  if (UNNAMED.test(path)) return undefined;
  const base = baseName(path);
  const stem = base.replace(
    /(.)\.(?:[cm]?[jt]sx?|pyc?|pyz|rb|ru|php|phar|p[lm]|cgi|sh|bash|exs?|jar|war|dll|exe)$/i,
    '$1',
  );
  if (stem === '') return undefined;
  return GENERIC.test(stem) ? (directoryName(directoryOf(path)) ?? stem) : stem;
}

/** The last component that says something, looking up to three levels up; home directories are nobody's name. */
export function directoryName(path: string): string | undefined {
  let directory = path;
  for (let n = 0; n < 3; n++) {
    const name = baseName(directory);
    const parent = directoryOf(directory);
    if (directory === '/' || parent === '/home') return undefined;
    if (!GENERIC_DIRECTORY.test(name)) return name;
    directory = parent;
  }
  return undefined;
}

/** A dotted Python target (`shop.main:app`, `myproject.wsgi`): the first part that says something, else the directory it is run in. */
export function moduleName(target: string, cwd: string | undefined): string | undefined {
  const path = target.replace(/[:(].*$/, '');
  if (path === '') return undefined;
  if (path.includes('/')) return scriptName(path, cwd);
  const parts = path
    .replace(/\.py$/, '')
    .split('.')
    .filter((part) => part !== '');
  const telling = parts.find((part) => !GENERIC.test(part) && !/^(?:src|server|backend|api)$/i.test(part));
  return telling ?? (parts.length > 0 ? (directoryName(cwd ?? '/') ?? parts[0]) : undefined);
}
