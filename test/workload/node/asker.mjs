// Sends what it is told, over one keep-alive connection: every line on stdin is `<target> <milliseconds>`; the answer on stdout is the
// status, or the code of the error. A request that is not answered within the milliseconds (0: any) is given up. Usage: asker.mjs BASE.
import http from 'node:http';
import { createInterface } from 'node:readline';

const base = process.argv[2];
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function ask(target, patienceMs) {
  return new Promise((resolve) => {
    const request = http.get(base + target, { agent }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode));
    });
    request.on('error', (error) => resolve(error.code));
    if (patienceMs) setTimeout(() => request.destroy(), patienceMs);
  });
}

for await (const line of createInterface({ input: process.stdin })) {
  const [target, patienceMs] = line.split(' ');
  console.log(await ask(target, Number(patienceMs)));
}
