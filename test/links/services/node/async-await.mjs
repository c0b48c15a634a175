// async/await over one keep-alive agent with as many sockets as there are calls.
import http from 'node:http';
import { call, serve } from './front-end.mjs';

const agent = new http.Agent({ keepAlive: true });

serve(async (request) => {
  await call(agent, 'a', request);
  await Promise.all([call(agent, 'b', request), call(agent, 'c', request)]);
  await call(agent, 'd', request);
});
