/**
 * Conversations as text, one step a line:
 *
 *   # product and version of both ends (line 1), then remarks; `# udp`, `# unix`, `# port 53`: what it goes over,
 *                                                                           else TCP to port 80; `# after http`: what is spoken before, `# then http`: what after it
 *   > bytes the client sends in one call       < bytes the server sends      JSON string escapes, bytes as \u0000..\u00ff
 *   >* 5000 x                                  <* 5000 x                     the same byte so many times
 *   ! client close | server close | client reset                            the end of the connection, after a close of that end
 *   ! 300 ms                                                                time that passes after the step before
 *   = { "http.request.method": "GET", ... }                                 a span, in order of the requests; null: must be absent.
 *                                                                           `client:` or `server:` before a key: at that end only;
 *                                                                           `name`, `kind`: those of the span;
 *                                                                           `context.b3` and so on: the headers that name a trace
 */
import { readFileSync, readdirSync } from 'node:fs';
import { Decoding, type DecodingOptions } from './decoding.ts';
import { RecordWriter, TestEnd } from './records.ts';

export type Role = 'client' | 'server';
export interface Step {
  from: Role;
  /** Undefined: an end of the connection. */
  bytes?: Uint8Array;
  how?: 'close' | 'reset';
  /** Time that passes after it. */
  pauseNs?: number;
}
export interface Wire {
  name: string;
  steps: Step[];
  spans: Array<Record<string, unknown>>;
  transport: 'tcp' | 'udp' | 'unix';
  port: number;
  /** Protocol that is spoken until the one of the fixture is switched to. */
  before: string | undefined;
  /** Protocol that its exchanges are of, if it has none itself. */
  then: string | undefined;
}

export function readWires(folder: URL): Wire[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.wire'))
    .sort()
    .map((file) => readWire(folder, file));
}

export function readWire(folder: URL, file: string): Wire {
  return parseWire(file, readFileSync(new URL(file, folder), 'utf8'));
}

/** What the remarks of the head say. */
function headOf(name: string, text: string): Omit<Wire, 'steps' | 'spans'> {
  const remark = (pattern: RegExp): string | undefined => pattern.exec(text)?.[1];
  return {
    name,
    transport: (remark(/^# (udp|unix)$/m) as Wire['transport'] | undefined) ?? 'tcp',
    port: Number(remark(/^# port (\d+)$/m) ?? 80),
    before: remark(/^# after (\w+)$/m),
    then: remark(/^# then (\w+)$/m),
  };
}

function parseWire(name: string, text: string): Wire {
  const wire: Wire = { ...headOf(name, text), steps: [], spans: [] };
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const from: Role = line.startsWith('>') ? 'client' : 'server';
    const mark = line[0]!;
    const rest = line.slice(2);
    if (mark === '=') wire.spans.push(JSON.parse(rest) as Record<string, unknown>);
    else if (mark === '!') {
      const pause = /^(\d+) ms$/.exec(rest);
      const [who, how] = rest.split(' ') as [Role, 'close' | 'reset'];
      if (pause) wire.steps.at(-1)!.pauseNs = Number(pause[1]) * 1e6;
      else wire.steps.push({ from: who, how });
    } else if (line[1] === '*') {
      const [count, byte] = rest.trim().split(' ') as [string, string];
      wire.steps.push({ from, bytes: Buffer.alloc(Number(count), byte) });
    } else if (mark === '>' || mark === '<') {
      const json = `"${rest.replace(/\\.|"/g, (found) => (found === '"' ? '\\"' : found))}"`;
      wire.steps.push({ from, bytes: Buffer.from(JSON.parse(json) as string, 'latin1') });
    } else throw new Error(`${name}: not understood: ${line}`);
  }
  if (!/^# \S/.test(text)) throw new Error(`${name}: line 1 must name product and version`);
  return wire;
}

const LATE_NS = 30e6;

export interface PlayOptions extends DecodingOptions {
  /** Steps that give no record. */
  lost?: ReadonlySet<number>;
  transport?: Wire['transport'];
  port?: number;
  /** Time that passes after each step, with nothing but the ends of drains. */
  pauseNs?: number;
}

/** Plays steps at one end. Drains end after every step, so that late records have time to come. */
export function play(role: Role, steps: readonly Step[], options: PlayOptions = {}): Decoding {
  const { lost = new Set(), transport = 'tcp', port = 80, pauseNs = 0 } = options;
  const writer = new RecordWriter();
  const decoding = new Decoding(options);
  const accepted = role === 'server';
  const ports = accepted ? { localPort: port, remotePort: 40_000 } : { localPort: 40_000, remotePort: port };
  const end = new TestEnd(writer, { accepted, transport, ...(transport === 'unix' ? {} : ports) });
  steps.forEach((step, i) => {
    const sends = step.from === role;
    if (!step.bytes) {
      if (step.how === 'reset') end.event('failed', { result: -104 });
      else if (transport !== 'tcp') end.event('close');
      else end.event(sends ? 'close' : 'destroyed', { tcp_state: sends ? 4 : 7 });
    } else if (lost.has(i)) end.lose(sends ? 'send' : 'receive', step.bytes.length);
    else if (sends) end.send(step.bytes);
    else end.receive(step.bytes);
    writer.clock();
    const pause = pauseNs + (step.pauseNs ?? 0);
    if (pause > 0) writer.clock(writer.nowNs + pause);
  });
  // Longer than anything waits for a record that is late.
  for (let i = 0; i < 3; i++) writer.clock(writer.nowNs + LATE_NS);
  decoding.strict = false;
  decoding.feed(writer);
  decoding.check();
  return decoding;
}

/** What is expected of a span at one end: the keys that apply there. */
export function expectedAt(role: Role, span: Record<string, unknown>): Array<[string, unknown]> {
  const other = role === 'client' ? 'server:' : 'client:';
  const serverOnly = new Set(['url.path', 'url.query', 'client.address']);
  return Object.entries(span)
    .filter(([key]) => !key.startsWith(other))
    .filter(([key]) => (role === 'client' ? !serverOnly.has(key) : key !== 'url.full'))
    .map(([key, value]) => [key.replace(/^(client|server):/, ''), value]);
}
