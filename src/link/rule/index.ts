import { batch } from './batch.ts';
import { completion } from './completion.ts';
import { reuse } from './reuse.ts';
import type { Rule } from './rule.ts';
import { thread } from './thread.ts';
import { turn } from './turn.ts';

/** The rules for the inside of a process, each exact where it holds; where two differ neither is believed. */
export const rules: readonly Rule[] = [thread, turn, reuse, batch, completion];

/** Places in the list. */
export const THREAD = rules.indexOf(thread);
export const REUSE = rules.indexOf(reuse);
export const BATCH = rules.indexOf(batch);
export const COMPLETION = rules.indexOf(completion);
