import { argumentsOf, baseName, firstPositional } from '../../capture/launch.ts';
import type { ServiceNameResolver } from './service-name.ts';
import { directoryName, scriptName } from './words.ts';

const VALUED = new Set([
  '-d',
  '-c',
  '-z',
  '-B',
  '-R',
  '-F',
  '-E',
  '-S',
  '-t',
  '--docroot',
  '--server',
  '--define',
  '--php-ini',
]);

/** The script (`artisan` and `console` are named for their project), or the document root of the built-in server. */
export const php: ServiceNameResolver = {
  source: 'php',
  resolve({ facts, runtime }) {
    if (runtime !== 'php') return undefined;
    const args = argumentsOf(facts);
    const file = args.indexOf('-f');
    const script = file >= 0 ? args[file + 1] : firstPositional(args, VALUED, /^(?:-r|--run)$/)?.value;
    if (script !== undefined) {
      const tool = /^(?:artisan|console|yii|spark|wp|think)(?:\.php)?$/.test(baseName(script));
      return (tool ? directoryName(facts.cwd ?? '/') : undefined) ?? scriptName(script, facts.cwd);
    }
    const root = args[args.findIndex((arg) => arg === '-t' || arg === '--docroot') + 1];
    const served = args.includes('-t') || args.includes('--docroot') ? root : undefined;
    return (served && directoryName(served)) || (directoryName(facts.cwd ?? '/') ?? 'php-script');
  },
};
