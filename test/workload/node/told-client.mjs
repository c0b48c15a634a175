// HTTP client on node:http that asks when it is told to: one URL a line on standard input, one JSON line with the status once the response is
// there. Says first that it is ready.
import http from 'node:http';
import { createInterface } from 'node:readline';

const agent = new http.Agent({ keepAlive: true });

function ask(url) {
  return new Promise((resolve, reject) => {
    http
      .get(url, { agent }, (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode));
      })
      .on('error', reject);
  });
}

console.log(JSON.stringify({ ready: true }));
for await (const url of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify({ status: await ask(url) }));
}
