// Four sockets for each back end: with more clients than that, calls wait in the agent's queue and go out when another's response has come.
import http from 'node:http';
import { call, serve } from './front-end.mjs';

const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });

serve(async (request) => {
  await call(agent, 'a', request);
  await Promise.all([call(agent, 'b', request), call(agent, 'c', request)]);
  await call(agent, 'd', request);
});
