import { duration, type Family } from './family.ts';

/** Semantic conventions 1.44, DNS metrics, but for the name that was asked for: there may be any number of them. */
export const dns: readonly Family[] = [
  {
    key: 'undertrace.dns.question.type',
    role: 'client',
    attributes: ['error.type'],
    measures: [duration('dns.lookup.duration', 'Measures the time taken to perform a DNS lookup.')],
  },
];
