import type { Parent, Pending } from '../pending.ts';

/** One way of finding a span's parent. Called once per span, strongest strategy first; undefined leaves it to the next. */
export interface LinkStrategy {
  /** What `undertrace.link.method` says. */
  readonly name: string;
  /** `placed` gives another exchange of this host its ids, should it not have them yet; undefined for one that has no span. */
  parentOf(pending: Pending, placed: (other: Pending) => Parent['context'] | undefined): Parent | undefined;
}
