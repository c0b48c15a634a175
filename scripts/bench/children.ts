import type { ChildProcess } from 'node:child_process';

/** A benchmark that fails leaves no server and no agent behind: what it does next would be measured with them. */
export function endWithUs<T extends ChildProcess>(child: T): T {
  const end = (): void => void child.kill('SIGKILL');
  process.once('exit', end);
  child.once('exit', () => process.off('exit', end));
  return child;
}
