// The main thread reads the request and answers it; one of four worker threads makes the calls. Request and answer cross by messages.
import http from 'node:http';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { callPath, fail, get, portOf, serve } from './front-end.mjs';

const WORKERS = 4;
// The main thread makes the paths, since it keeps the truth.
const LETTERS = ['a', 'b', 'c', 'd'];

if (isMainThread) {
  const waiting = new Map();
  const workers = Array.from({ length: WORKERS }, () => {
    const worker = new Worker(new URL(import.meta.url), { argv: process.argv.slice(2) });
    worker.on('message', (id) => {
      waiting.get(id)();
      waiting.delete(id);
    });
    worker.on('error', fail);
    return worker;
  });
  let next = 0;
  serve(
    (request) =>
      new Promise((resolve) => {
        waiting.set(request.id, resolve);
        const calls = Object.fromEntries(LETTERS.map((letter) => [letter, callPath(letter, request)]));
        workers[next++ % WORKERS].postMessage({ id: request.id, calls });
      }),
  );
} else {
  const agent = new http.Agent({ keepAlive: true });
  parentPort.on('message', async ({ id, calls }) => {
    const make = (letter) => get(agent, portOf(letter), calls[letter]);
    await make('a');
    await Promise.all([make('b'), make('c')]);
    await make('d');
    parentPort.postMessage(id);
  });
}
