import { database } from './database.ts';
import { dns } from './dns.ts';
import type { Family } from './family.ts';
import { http } from './http.ts';
import { messaging } from './messaging.ts';
import { rpc } from './rpc.ts';

/** The first that a request is of counts it: a search API is a database, not only HTTP. */
export const families: readonly Family[] = [...rpc, ...database, ...messaging, ...http, ...dns];
