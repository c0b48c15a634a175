// Runs a proxy as a child: a port, a folder for its files, the line when it accepts, its end. The proxies replace the id themselves, and write
// both into their access log.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const TRUTH = 'truth ';

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
 * `quit` is the signal at which it ends in order. Of its output the lines `truth <old> <new>` are the truth; all others are shown at the end, but for
 * those that `isExpected`.
 */
export async function runProxy({ configure, command, quit, isExpected = () => false }) {
  const [truthFile, upstream] = process.argv.slice(2);
  const folder = mkdtempSync(join(tmpdir(), 'undertrace-proxy-'));
  const [file, log] = [join(folder, 'configuration'), join(folder, 'log')];
  const port = await freePort();
  writeFileSync(file, configure({ port, upstream, folder, log }));
  const [program, ...args] = command(file);
  const output = openSync(log, 'a');
  const child = spawn(program, args, { stdio: ['ignore', output, output] });
  child.on('exit', (code, signal) => {
    const lines = readFileSync(log, 'latin1').split('\n').filter(Boolean);
    const truth = lines.filter((line) => line.startsWith(TRUTH));
    writeFileSync(truthFile, truth.map((line) => `${line.slice(TRUTH.length)}\n`).join(''));
    for (const line of lines)
      if (!line.startsWith(TRUTH) && !isExpected(line)) process.stderr.write(`${line}\n`);
    rmSync(folder, { recursive: true });
    process.exit(signal === null ? code : 1);
  });
  process.on('SIGTERM', () => child.kill(quit));
  // Neither tells when it listens.
  while (!(await accepts(port))) await new Promise((resolve) => setTimeout(resolve, 20));
  console.log(JSON.stringify({ port }));
}
