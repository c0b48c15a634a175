// Runs a proxy as a child: a port, a folder for its files, the line when it accepts, its end. The proxies replace the id themselves, and write
// both into their access log.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
 * `configure({ port, upstream, folder, log })` gives the text of the configuration, `command(file)` the command that runs in the foreground with it;
 * `quit` is the signal at which it ends in order. Of its log, which is its standard output, the lines `truth <old> <new>` are the truth.
 */
export async function runProxy({ configure, command, quit }) {
  const [truthFile, upstream] = process.argv.slice(2);
  const folder = mkdtempSync(join(tmpdir(), 'undertrace-proxy-'));
  const [file, log] = [join(folder, 'configuration'), join(folder, 'log')];
  const port = await freePort();
  writeFileSync(file, configure({ port, upstream, folder, log }));
  const [program, ...args] = command(file);
  const child = spawn(program, args, { stdio: ['ignore', openSync(log, 'a'), 'inherit'] });
  child.on('exit', (code, signal) => {
    const truth = readFileSync(log, 'latin1').matchAll(/^truth (.*\n)/gm);
    writeFileSync(truthFile, [...truth].map(([, pair]) => pair).join(''));
    rmSync(folder, { recursive: true });
    process.exit(signal === null ? code : 1);
  });
  process.on('SIGTERM', () => child.kill(quit));
  // Neither tells when it listens.
  while (!(await accepts(port))) await new Promise((resolve) => setTimeout(resolve, 20));
  console.log(JSON.stringify({ port }));
}
