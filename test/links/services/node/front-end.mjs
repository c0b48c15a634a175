// What the Node services have in common: the server, a call, and the truth. Usage: ../../README.md.
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import http from 'node:http';

const [truthFile, ...ports] = process.argv.slice(2);
const truth = [];

/** Notes that the request `old` is what the call comes from; gives back the path of the call, whose id is fresh. */
export function callPath(letter, { run, id: old }) {
  const id = randomBytes(8).toString('hex');
  truth.push(`${old} ${id}\n`);
  return `${run}/${letter}/${id}`;
}

/** Port of the back end with this letter. */
export const portOf = (letter) => Number(ports['abcd'.indexOf(letter)]);

/** GET with node:http; resolves when the response has been read. */
export function get(agent, port, path) {
  return new Promise((resolve, reject) => {
    http
      .get({ host: '127.0.0.1', port, path, agent }, (response) => {
        response.on('error', reject);
        response.on('end', () =>
          response.statusCode === 200
            ? resolve()
            : reject(new Error(`${path} answered ${response.statusCode}`)),
        );
        response.resume();
      })
      .on('error', reject);
  });
}

/** Calls the back end with this letter for a request. */
export function call(agent, letter, request) {
  return get(agent, portOf(letter), callPath(letter, request));
}

/** Ends the process, loudly: a service that fails must not look like one that is only slow. */
export function fail(error) {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
}

/** Runs the server; `handle` is called with {run, id} of a request and resolves when it may be answered. */
export function serve(handle) {
  const server = http.createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, (request, response) => {
    const [, run, id] = /^(.*)\/[^/]+\/([^/]+)$/.exec(request.url);
    handle({ run, id }).then(() => {
      response.writeHead(200, { 'content-type': 'text/plain', 'content-length': 2 });
      response.end('ok');
    }, fail);
  });
  server.maxRequestsPerSocket = 0;
  server.listen(0, '127.0.0.1', 4096, () => console.log(JSON.stringify({ port: server.address().port })));
  // Written at the end and not meanwhile: a file that is written by the thread pool would wake the event loop that is measured.
  process.on('SIGTERM', () => {
    writeFileSync(truthFile, truth.join(''));
    process.exit(0);
  });
}
