import { UserError } from '../base/errors.ts';
import type { Settings } from '../base/settings.ts';
import { explain } from '../serve/explain.ts';
import type { WhyReport } from '../serve/status.ts';
import { askAgent } from './agent-client.ts';
import type { WhyOptions } from './options.ts';
import { countsText, grouped, printable, table } from './table.ts';

export async function run(options: WhyOptions, settings: Settings): Promise<number> {
  const { pid, port } = options;
  if ((pid === undefined) === (port === undefined)) {
    throw new UserError(
      'why',
      'ask about one process or one port: `undertrace why --pid N` or `undertrace why --port N`',
    );
  }
  const query = pid === undefined ? `port=${port}` : `pid=${pid}`;
  const report = await askAgent<WhyReport>(options.endpoint, settings, `/why?${query}`);
  process.stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : renderWhy(report));
  return 0;
}

export function renderWhy(report: WhyReport): string {
  const { totals } = report;
  const reasons = explain(report)
    .map((sentence) => `${printable(sentence)}\n`)
    .join('');
  const counts = `
backend ${report.backend}; records ${grouped(totals.records)} (${grouped(totals.bytes)} bytes), exchanges ${grouped(totals.exchanges)}, spans ${grouped(totals.spans)}, lost: ${countsText(totals.lost) || 'nothing'}
`;
  const processes = table(
    ['pid', 'command', 'executable', 'service', 'traced'],
    report.processes.map(({ pid, command, executable, service, serviceSource, filter }) => [
      String(pid),
      command,
      executable,
      `${service} (${serviceSource})`,
      `${filter.traced ? 'yes' : 'no'}: ${filter.why}`,
    ]),
  );
  return [
    reasons + counts,
    processes && `processes\n${processes}`,
    report.connections.length > 0 ? connections(report) : '',
  ]
    .filter(Boolean)
    .join('\n');
}

function connections({ connections: shown, connectionsKnown }: WhyReport): string {
  const rows = shown.map((connection) => [
    String(connection.pid),
    connection.transport,
    connection.role,
    connection.local,
    connection.remote,
    connection.protocol,
    connection.firstBytes,
    connection.records,
    connection.exchanges,
    connection.open,
    countsText(connection.lost) || '-',
  ]);
  const titles = [
    'pid',
    'over',
    'end',
    'local',
    'remote',
    'protocol',
    'first bytes',
    'records',
    'exchanges',
    'open',
    'lost',
  ];
  const title =
    connectionsKnown > shown.length ? `connections (${shown.length} of ${connectionsKnown})` : 'connections';
  return `${title}\n${table(titles, rows)}`;
}
