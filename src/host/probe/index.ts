import { cpu } from './cpu.ts';
import type { Probe } from './probe.ts';

/** In the order of the documentation. */
export const PROBES: readonly Probe[] = [cpu];
