import type { ProcessFacts } from '../../capture/facts.ts';
import type { Runtime } from '../../capture/launch.ts';
import type { ContainerFacts } from '../container.ts';

/** What a resolver sees of a process. */
export interface NamedProcess {
  readonly facts: ProcessFacts;
  readonly container: ContainerFacts;
  /** The interpreter that it is, if any. */
  readonly runtime: Runtime | undefined;
  /** Name of the machine, which is nobody's service name. */
  readonly hostName: string;
}

/** One way of naming a service. Pure; asked in the order of the list, and again whenever facts about the process have come in. */
export interface ServiceNameResolver {
  /** What `undertrace.service.name.source` says. */
  readonly source: string;
  resolve(process: NamedProcess): string | undefined;
}

export interface ServiceName {
  readonly name: string;
  readonly source: string;
}

const MAX_NAME = 100;

/** Without control characters, quotes and blanks around it, and bounded; undefined if nothing is left. */
export function sanitizeName(name: string): string | undefined {
  const clean = [...name]
    .map((char) => (char < ' ' || char === '\u007f' || char === '\ufffd' ? ' ' : char))
    .join('')
    .trim()
    .replace(/\s+/g, ' ')
    .replace(/^["']+|["']+$/g, '')
    .slice(0, MAX_NAME)
    .trim();
  return clean === '' ? undefined : clean;
}
