// A file is looked at between the calls: the continuation comes from libuv's thread pool, not from a socket.
import { readFile, stat } from 'node:fs/promises';
import http from 'node:http';
import { fileURLToPath } from 'node:url';
import { call, serve } from './front-end.mjs';

const FILE = fileURLToPath(import.meta.url);
const agent = new http.Agent({ keepAlive: true });

serve(async (request) => {
  await stat(FILE);
  await call(agent, 'a', request);
  await readFile(FILE);
  await Promise.all([call(agent, 'b', request), call(agent, 'c', request)]);
  await stat(FILE);
  await call(agent, 'd', request);
});
