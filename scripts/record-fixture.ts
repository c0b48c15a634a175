/**
 * Records a conversation on the loopback interface as fixtures of a decoder: `npm run record-fixture`.
 *
 * tcpdump runs while the command does; each connection to the port becomes test/fixtures/decode/PROTOCOL/NAME.wire, NAME-2.wire and so on, with the
 * spans that the decoders of this build make of it. They are what is to be checked by hand: a decoder that is wrong writes what is wrong.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { PacketCapture } from '../test/support/tcpdump.ts';
import { conversationsOf, formatWire, spansOf } from '../test/support/wire-writer.ts';

const USAGE =
  'npm run record-fixture -- --protocol NAME --name FILE --port N [--title "products and versions"] [--out FOLDER] -- COMMAND ARGS...';
const FIXTURES = fileURLToPath(new URL('../test/fixtures/decode/', import.meta.url));

interface Options {
  folder: string;
  name: string;
  port: number;
  title: string;
  command: string[];
}

function readOptions(): Options {
  const string = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    options: { protocol: string, name: string, port: string, title: string, out: string },
    allowPositionals: true,
  });
  const { protocol, name } = values;
  const port = Number(values.port);
  if (!protocol || !name || !(port > 0 && port < 65_536) || positionals.length === 0) throw new Error(USAGE);
  return {
    folder: values.out ?? path.join(FIXTURES, protocol),
    name,
    port,
    title: values.title ?? `(which products and versions?) ${positionals.join(' ')}`,
    command: positionals,
  };
}

async function capture({ port, command }: Options): Promise<Buffer> {
  const packets = await PacketCapture.start(`port ${port}`);
  const child = spawn(command[0]!, command.slice(1), { stdio: 'inherit' });
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  const file = await packets.stop();
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code ?? signal}`);
  return file;
}

async function main(): Promise<void> {
  const options = readOptions();
  const conversations = conversationsOf(await capture(options), options.port);
  const whole = conversations.filter(({ incomplete }) => !incomplete);
  mkdirSync(options.folder, { recursive: true });
  whole.forEach((conversation, i) => {
    const file = path.join(options.folder, `${options.name}${i === 0 ? '' : `-${i + 1}`}.wire`);
    const spans = spansOf(conversation);
    writeFileSync(file, formatWire(options.title, conversation, spans));
    process.stderr.write(`${file}: ${conversation.steps.length} steps, ${spans.length} spans\n`);
  });
  const left = conversations.length - whole.length;
  if (left > 0)
    process.stderr.write(`${left} connections left out: they had begun before, or bytes are missing\n`);
  if (whole.length === 0) throw new Error(`nothing with data crossed port ${options.port} of the loopback`);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
