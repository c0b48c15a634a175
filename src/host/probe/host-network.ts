import { SourceMissing, type HostFiles } from '../host-files.ts';

/** The text of a file of the host's network namespace: of its first process, so that a namespace of the agent's own is not taken for the host's. */
export function needNetwork(files: HostFiles, name: string): string {
  const text = files.text(`/proc/1/net/${name}`) ?? files.text(`/proc/net/${name}`);
  if (text === undefined) throw new SourceMissing(`/proc/1/net/${name}`, 'ENOENT');
  return text;
}
