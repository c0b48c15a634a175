// A timer between the calls: many continuations may run in one turn of the event loop.
import http from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { call, serve } from './front-end.mjs';

const agent = new http.Agent({ keepAlive: true });

serve(async (request) => {
  await wait(2);
  await call(agent, 'a', request);
  await wait(2);
  await Promise.all([call(agent, 'b', request), call(agent, 'c', request)]);
  await wait(2);
  await call(agent, 'd', request);
});
