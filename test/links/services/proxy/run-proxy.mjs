// Runs a proxy as a child: a port, a folder for its files, the line when it accepts, its end. The proxies replace the id and write the truth
// themselves, into their access log.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A port that was free a moment ago: neither proxy can tell which one it got for port 0. */
async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}

/** Whether something accepts at the port. */
function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

/**
 * `configure({ port, upstream, folder, truth })` gives the text of the configuration, `command(file)` the command that runs in the foreground with
 * it. Standard output of the proxy is the truth file; `quit` is the signal at which it ends in order.
 */
export async function runProxy({ configure, command, quit }) {
  const [truth, upstream] = process.argv.slice(2);
  const folder = mkdtempSync(join(tmpdir(), 'undertrace-proxy-'));
  const port = await freePort();
  const file = join(folder, 'configuration');
  writeFileSync(file, configure({ port, upstream, folder, truth }));
  const [program, ...args] = command(file);
  const child = spawn(program, args, { stdio: ['ignore', openSync(truth, 'a'), 'inherit'] });
  child.on('exit', (code, signal) => {
    rmSync(folder, { recursive: true });
    process.exit(signal === null ? code : 1);
  });
  process.on('SIGTERM', () => child.kill(quit));
  // Neither tells when it listens.
  while (!(await accepts(port))) await new Promise((resolve) => setTimeout(resolve, 20));
  console.log(JSON.stringify({ port }));
}
