// Runs curl as one of the clients. Usage: ../README.md. keepalive: one curl for the whole plan; close: a curl a request.
//
// curl does not know CLOCK_MONOTONIC: startNs is when it was spawned and endNs when its line was read, which encloses the truth;
// `durationNs` is curl's own measure of the transfer, name look-up and connect included.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const [base, planFile, logFile, mode] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'undertrace-curl-'));
const socketPath = base.match(/^unix:(.+)$/)?.[1];
const origin = socketPath ? 'http://localhost' : base;
const plan = readFileSync(planFile, 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => {
    const [method, target, bytes, framing] = line.split(' ');
    return { method, target, bytes: Number(bytes), chunked: framing === 'chunked' };
  });
const now = () => Number(process.hrtime.bigint());

/** One stanza of curl's configuration file; stanzas are parted by `next`. */
function stanza({ method, target, bytes, chunked }) {
  const lines = [
    `url = "${origin}${target}"`,
    'output = /dev/null',
    'silent',
    'write-out = "%{json}\\n"',
    'noproxy = "*"',
  ];
  lines.push(method === 'HEAD' ? 'head' : `request = ${method}`);
  if (socketPath) lines.push(`unix-socket = ${socketPath}`);
  if (bytes) {
    const file = join(folder, `body-${bytes}`);
    writeFileSync(file, 'y'.repeat(bytes));
    lines.push(`data-binary = @${file}`, 'header = "Expect:"');
  }
  if (chunked) lines.push('header = "Transfer-Encoding: chunked"');
  return lines.join('\n');
}

/** Runs one curl over the items; resolves to their log lines, in order. */
async function run(items) {
  const config = join(folder, 'config');
  writeFileSync(config, items.map(stanza).join('\nnext\n'));
  const unixNs = `${BigInt(Date.now()) * 1_000_000n}`;
  const startNs = now();
  const curl = spawn('curl', ['-q', '-K', config], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = [];
  for await (const text of createInterface({ input: curl.stdout })) {
    const endNs = now();
    const told = JSON.parse(text);
    const { method, target, bytes } = items[lines.length];
    lines.push({
      method,
      target,
      status: told.response_code,
      sent: bytes,
      received: told.size_download,
      startNs,
      endNs,
      durationNs: Math.round(told.time_total * 1e9),
      unixNs,
      local: socketPath ? undefined : `${told.local_ip}:${told.local_port}`,
      peer: socketPath ? undefined : `${told.remote_ip}:${told.remote_port}`,
      error: told.exitcode ? told.errormsg : undefined,
    });
  }
  return lines;
}

const log = [];
if (mode === 'close') for (const item of plan) log.push(...(await run([item])));
else log.push(...(await run(plan)));
writeFileSync(logFile, log.map((line) => `${JSON.stringify(line)}\n`).join(''));
rmSync(folder, { recursive: true, force: true });
