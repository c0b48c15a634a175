import type { ComponentLog, RootLog } from '../base/log.ts';
import type { DirectorySettings } from '../base/settings.ts';
import type { DirectoryEntry } from './directory.ts';
import { DirectoryMail } from './directory-mail.ts';

/**
 * The directory that the configuration names; undefined where it names none, since within one host the linker needs none. Waits for the
 * first attempt to connect, which is bounded, so that the first requests find it; tracing starts without it, too.
 */
export async function openDirectory(
  settings: DirectorySettings | undefined,
  log: RootLog,
  onAnswers: (entries: readonly DirectoryEntry[]) => void,
): Promise<DirectoryMail | undefined> {
  if (settings === undefined) return undefined;
  // The client library takes some 18 MB, which only those have to pay who use it.
  const { RedisDirectory } = await import('./redis-directory.ts');
  const own = log.component('directory');
  const directory = new RedisDirectory(settings, (error) => warn(own, settings, error));
  await directory.tried;
  return new DirectoryMail({ directory, onAnswers, log: own });
}

/** The same text for the same thing, however often it is tried: it is logged once a minute. */
function warn(log: ComponentLog, { host, port }: DirectorySettings, error: Error): void {
  // Where a name has several addresses, the error has no message of its own.
  const { code } = error as NodeJS.ErrnoException;
  const fields = { directory: `${host}:${port}`, error: error.message || code };
  log.repeated('warn', 'connection', fields, 'no connection to the directory: it is tried again');
}
