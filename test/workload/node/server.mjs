// HTTP server on node:http. Usage and query: ../README.md.
import http from 'node:http';
import { unlinkSync } from 'node:fs';

/** Answers once the request has been read, so that sizes are known at both ends. */
function answer(request, response) {
  const query = new URL(request.url, 'http://w').searchParams;
  request.resume();
  request.on('end', () => {
    if (query.has('hang')) return;
    if (query.has('reset')) return void request.socket.resetAndDestroy();
    setTimeout(
      () => {
        const body = Buffer.alloc(Number(query.get('size') ?? 0), 'x');
        const status = Number(query.get('status') ?? 200);
        if (query.has('chunked')) {
          response.writeHead(status);
          response.write(body.subarray(0, body.length >> 1));
          response.end(body.subarray(body.length >> 1));
        } else {
          const bodiless = status === 204 || status === 304;
          response.writeHead(status, bodiless ? {} : { 'content-length': body.length });
          response.end(bodiless ? undefined : body);
        }
      },
      Number(query.get('delay') ?? 0),
    );
  });
}

/** Listens on one address of the README's forms; resolves to the address in the same form with the true port. */
function listen(address) {
  const server = http.createServer({ keepAliveTimeout: 60_000, requestTimeout: 0 }, answer);
  server.maxRequestsPerSocket = 0;
  const path = address.match(/^unix:(.+)$/)?.[1];
  const [, host, port] = address.match(/^\[?(.*?)\]?:(\d+)$/) ?? [];
  if (path) {
    try {
      unlinkSync(path);
    } catch (error) {
      if (error.code !== 'ENOENT') throw error;
    }
  }
  return new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen(path ? { path } : { host, port: Number(port), backlog: 4096 }, () => {
      resolve(path ? address : address.replace(/:\d+$/, `:${server.address().port}`));
    });
  });
}

const listening = await Promise.all(process.argv.slice(2).map(listen));
console.log(JSON.stringify({ listening }));
process.on('SIGTERM', () => process.exit(0));
