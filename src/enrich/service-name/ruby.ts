import { argumentsOf, baseName, firstPositional } from '../../capture/launch.ts';
import type { ServiceNameResolver } from './service-name.ts';
import { directoryName, scriptName } from './words.ts';

const VALUED = new Set(['-I', '-r', '-C', '-E', '-K', '--encoding']);
/** Servers and tasks that run the application in the working directory. */
const SERVERS =
  /^(?:puma|rails|unicorn|unicorn_rails|thin|rackup|passenger|sidekiq|rake|bundle|spring|falcon|resque|foreman|iodine)$/;

/** The script, or for an application server the directory of the application. */
export const ruby: ServiceNameResolver = {
  source: 'ruby',
  resolve({ facts, runtime }) {
    const title = facts.argv?.[0] ?? '';
    const named = titled(title);
    if (named !== undefined || runtime !== 'ruby') return named;
    const here = directoryName(facts.cwd ?? '/');
    const written = /^(unicorn\w*|puma|thin|sidekiq) /.exec(title)?.[1];
    if (written !== undefined) return here ?? written;
    const script = firstPositional(argumentsOf(facts), VALUED, /^-e/)?.value;
    if (script === undefined) return here ?? 'ruby-script';
    return SERVERS.test(baseName(script)) ? (here ?? baseName(script)) : scriptName(script, facts.cwd);
  },
};

/** `puma 6.4.0 (tcp://0.0.0.0:3000) [shop]`, `puma: cluster worker 0: 17 [shop]`, `sidekiq 7.2.0 shop [0 of 10 busy]` */
function titled(title: string): string | undefined {
  return /^puma\b.*\[([^\]]+)\]/.exec(title)?.[1] ?? /^sidekiq \S+ (\S+) \[/.exec(title)?.[1];
}
