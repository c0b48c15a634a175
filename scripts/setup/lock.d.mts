export function withLock<T>(
  path: string,
  action: () => T | Promise<T>,
  onWait?: (pid: number) => void,
): Promise<T>;
