import type { Settings } from '../base/settings.ts';
import type { AgentStatus } from '../serve/status.ts';
import { askAgent } from './agent-client.ts';
import type { AgentOptions } from './options.ts';
import { countsText, grouped, printable, table } from './table.ts';

export async function run(options: AgentOptions, settings: Settings): Promise<number> {
  const status = await askAgent<AgentStatus>(options.endpoint, settings, '/status');
  process.stdout.write(options.json ? `${JSON.stringify(status, null, 2)}\n` : renderStatus(status));
  return 0;
}

const MAX_ROWS = 40;

export function renderStatus(status: AgentStatus): string {
  const state = status.ready ? 'attached and draining' : 'not attached';
  const head = `undertrace ${status.version}, pid ${status.pid}, up ${durationText(status.uptimeSeconds)}, ${state}
kernel ${printable(status.kernel)}, backend ${status.backend}, ${grouped(status.connections)} connections
`;
  return [
    head +
      lines('off', [...status.off, ...probesOff(status)]) +
      lines('partly off', probesPartlyOff(status)) +
      governorText(status) +
      configText(status),
    section('exporters', exporters(status)),
    section(status.balanced ? 'books (balanced)' : 'books (NOT BALANCED: please report this)', books(status)),
    section('processes', processes(status)),
    section('ports', ports(status)),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

function lines(title: string, all: AgentStatus['off']): string {
  return all.map(({ what, why }) => `${title}: ${printable(what)}: ${printable(why)}\n`).join('');
}

function probesOff({ probes }: AgentStatus): AgentStatus['off'] {
  return probes
    .filter(({ status }) => status === 'unavailable' || status === 'failed')
    .map(({ name, lastError }) => ({ what: `probe ${name}`, why: lastError ?? '' }));
}

function probesPartlyOff({ probes }: AgentStatus): AgentStatus['off'] {
  return probes
    .filter(({ missing }) => missing.length > 0)
    .map(({ name, missing }) => ({ what: `probe ${name}`, why: missing.join(', ') }));
}

function section(title: string, body: string): string {
  return body === '' ? '' : `${title}\n${body}`;
}

/** Nothing while nothing is given up. */
function governorText({ governor: { level, step, cpu, memory } }: AgentStatus): string {
  if (level === 0) return '';
  const took = `${cpu.used.toFixed(2)} of ${cpu.limit} cores, ${grouped(memory.used)} of ${grouped(memory.limit)} bytes`;
  return `above its limits: step ${level} of 4 (${step}; docs/governor.md), ${took}\n`;
}

function configText({ config }: AgentStatus): string {
  if (config.lastReloadSuccessful) return '';
  return `configuration: the last reload was refused: ${printable(config.lastError ?? 'see the log')}\n`;
}

function exporters({ exporters: all }: AgentStatus): string {
  const rows = all.map(({ id, destination, sent, failed, dropped, queue, unreachable, lastError }) => [
    id,
    destination,
    sent,
    failed,
    dropped,
    `${grouped(queue.size)} of ${grouped(queue.capacity)} ${queue.unit}`,
    unreachable
      ? `AWAY: ${lastError?.text ?? ''}`
      : lastError
        ? `last error ${lastError.at}: ${lastError.text}`
        : 'ok',
  ]);
  return table(['id', 'destination', 'sent', 'failed', 'dropped', 'queue', 'state'], rows);
}

function books({ books: stages }: AgentStatus): string {
  const rows = stages.map(({ stage, in: came, out, held, lost, balanced }) => [
    stage,
    came,
    out,
    held,
    countsText(lost) || '-',
    balanced ? '' : 'DOES NOT BALANCE',
  ]);
  return table(['stage', 'in', 'out', 'held', 'lost', ''], rows);
}

function processes({ processes: all }: AgentStatus): string {
  const rows = all
    .slice(0, MAX_ROWS)
    .map((process) => [
      String(process.pid),
      process.command,
      `${process.service} (${process.serviceSource})`,
      process.listening.join(' ') || '-',
      process.filter.traced ? process.protocols.join(' ') || '-' : `not traced: ${process.filter.why}`,
      process.exchanges,
      process.spans,
      process.unrecognised.records,
      [countsText(process.lost), process.ioUring ? 'io_uring: not seen' : ''].filter(Boolean).join('; ') ||
        '-',
    ]);
  const titles = [
    'pid',
    'command',
    'service',
    'listens',
    'protocol',
    'exchanges',
    'spans',
    'unrecognised',
    'lost',
  ];
  return table(titles, rows) + more(all.length);
}

function ports({ ports: all }: AgentStatus): string {
  const rows = all
    .slice(0, MAX_ROWS)
    .map((port) => [
      port.transport === 'unix' ? `unix ${port.path ?? ''}` : `${port.transport} ${port.port}`,
      port.protocol,
      port.exchanges,
      port.spans,
      port.unrecognised.records,
      port.unrecognised.bytes,
      port.unrecognised.firstBytes ?? '',
    ]);
  const titles = ['port', 'protocol', 'exchanges', 'spans', 'unrecognised', 'bytes', 'first bytes'];
  return table(titles, rows) + more(all.length);
}

function more(count: number): string {
  return count > MAX_ROWS ? `  and ${count - MAX_ROWS} more; --json shows all\n` : '';
}

/** `2d 3h`, `3h 5m`, `5m 10s`, `10s`. */
export function durationText(seconds: number): string {
  const whole = Math.floor(seconds);
  const parts: Array<[number, string]> = [
    [Math.floor(whole / 86_400), 'd'],
    [Math.floor(whole / 3600) % 24, 'h'],
    [Math.floor(whole / 60) % 60, 'm'],
    [whole % 60, 's'],
  ];
  const first = parts.findIndex(([n]) => n > 0);
  if (first < 0) return '0s';
  return parts
    .slice(first, first + 2)
    .map(([n, unit]) => `${n}${unit}`)
    .join(' ');
}
