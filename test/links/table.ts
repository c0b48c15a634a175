/** The figures of all cells as a table of Markdown, with the method above it. */
import { ON_THREAD } from './baselines.ts';
import { LOOPS } from './busy-loops.ts';
import { CELLS } from './cells.ts';
import { type Guess, judged, type Report, type Share } from './check.ts';
import { calibrationBins, calibrationError } from './statistics.ts';

export interface Row {
  cell: string;
  clients: number;
  saturated: boolean;
  /** Why it was not measured. */
  skipped?: string;
  report?: Report;
  /** Of the load, with the agent beside it. */
  requestsPerSecond?: number;
  /** Records that the agent lost during the run. */
  lostRecords?: number;
}

const RECORDINGS = `## Of recordings

What \`npm test\` replays (\`test/fixtures/links/\`, 1,000 or 4,000 links a service). Records tell the thread of every call, which spans do not.

`;

const METHOD = `# Links between what came in and what went out

Written by \`npm run bench:links\`. A service of the laboratory (\`test/links/\`) reads a request, calls A, then B and C together, then D, and answers;
each back end takes 1 ms and an exponentially distributed time of 6 ms in the mean. *Chain of four*: Node, Flask, Node, C, each with its three
back ends and the next service as its D. The proxies make one call. Services that block on each call make B and C one after the other:
\`*-thread-per-request\`, \`python-flask-threaded\`. \`java-invoke-all-pool\` calls D, then the others together; \`python-http-server-map\` A and B together, then C,
and D from the thread of the request: nothing in the agent was tuned on these two.

**Id-blind**: every hop replaces the id in the path by a fresh random one and writes both down where the checker alone reads them, so that
nothing in the bytes tells which request a call belongs to. What is right is known for every link.

- **right, orphan, wrong**: share of the inner links (CLIENT span of a call → SERVER span of the request that caused it) with the true parent,
  without a parent, with another; wrong ones are counted against the links whose span is there. **≤**: their rate is below this, at 95 % (exact
  binomial). **with span links**: right ones of the links that have the true parent or, where the agent is less sure than 0.9 or holds it back, a span
  link to it.
- **requests**: all calls of a request to a service have the right parent. **traces**: all spans of a request of the load, hops too, stand in one
  trace with the right parents.
- **precision, coverage**: of the parents, which all have a confidence of 0.9 or more, how many were right; how many links had one.
- **calibration**: mean distance between confidence and share of right ones, in points, over ten bins of equal size; links of the method
  \`residual\` alone, span links as well as parents. A few hundred links are some points off by chance alone: below the table are those of all
  cells together that nothing was tuned on. **held back**: links of that method that would be parents, were it not that their process makes
  so many of them that more than one of a thousand parents could be wrong; they are span links that tell how sure they are as
  \`undertrace.link.held_back\`. How many of them were right.
- **busy loops**: processes beside that do nothing but take the CPU.
- **hops**: CLIENT → SERVER of one request, right.
- **FIFO, most recent**: what is right by times alone, from the same spans: the oldest or the youngest request that is open when the call goes out
  and that has not called there yet. **last on the thread**: the youngest of those that the thread of the call has read; of recordings only (at the end), since
  spans do not tell threads.
- **methods, span links**: how parents were found, and what became a span link (\`undertrace.link.method\`). \`residual\`: by an assignment of the calls that
  no rule has an answer for to the requests that were open with them, taught by the links of the same process that rules have found. How sure it is comes
  of hiding such links and asking for them.

`;

const percent = (count: number, of: number, digits = 2): string =>
  of === 0 ? '–' : `${((100 * count) / of).toFixed(digits)}`;
const share = ({ count, of }: Share): string => percent(count, of);

interface Column {
  title: string;
  /** Of a row that was measured. */
  value: (row: Row, report: Report) => string;
}

const COLUMNS: readonly Column[] = [
  { title: 'links', value: (_, { inner }) => String(inner.expected) },
  { title: 'right %', value: (_, { inner }) => percent(inner.right, inner.expected) },
  {
    title: 'with span links %',
    value: (_, { inner, candidates }) => percent(inner.right + rightOf(candidates), inner.expected),
  },
  { title: 'orphan %', value: (_, { inner }) => percent(inner.orphan, inner.expected) },
  { title: 'wrong %', value: (_, { inner }) => percent(inner.wrong, judged(inner)) },
  { title: '≤ %', value: (_, { wrongBound }) => (100 * wrongBound).toFixed(3) },
  { title: 'requests %', value: (_, { wholeRequests }) => share(wholeRequests) },
  { title: 'traces %', value: (_, { wholeTraces }) => share(wholeTraces) },
  { title: 'precision %', value: (_, { confident }) => percent(confident.right, confident.given) },
  { title: 'coverage %', value: (_, { confident, inner }) => percent(confident.given, inner.expected) },
  {
    title: 'calibration',
    value: (_, { residual }) => {
      const error = calibrationError(residual);
      return error === undefined ? '–' : `${(100 * error).toFixed(1)} (${residual.length})`;
    },
  },
  {
    title: 'held back',
    value: (_, { residual }) => {
      const held = residual.filter(({ heldBack }) => heldBack);
      return held.length === 0 ? '–' : `${rightShare(held)} % (${held.length})`;
    },
  },
  { title: 'hops %', value: (_, { hop }) => percent(hop.right, hop.expected) },
  { title: 'FIFO %', value: (_, { baselines, inner }) => percent(baselines.FIFO!, inner.expected, 1) },
  {
    title: 'most recent %',
    value: (_, { baselines, inner }) => percent(baselines['most recent']!, inner.expected, 1),
  },
  {
    title: `${ON_THREAD} %`,
    value: (_, { baselines, inner }) =>
      ON_THREAD in baselines ? percent(baselines[ON_THREAD], inner.expected, 1) : '–',
  },
  { title: 'methods', value: (_, { methods }) => methodsText(methods) },
  { title: 'span links', value: (_, { candidates }) => methodsText(candidates) },
  { title: 'remarks', value: (row, report) => remarks(row, report) },
];

function rightOf(methods: Report['methods']): number {
  return Object.values(methods).reduce((sum, { right }) => sum + right, 0);
}

/** In percent. */
function rightShare(guesses: readonly Guess[]): string {
  return percent(guesses.filter(({ right }) => right).length, guesses.length, 1);
}

function methodsText(methods: Report['methods']): string {
  return Object.entries(methods)
    .map(([name, { right, wrong }]) => `${name} ${right}${wrong ? ` + ${wrong} wrong` : ''}`)
    .join(', ');
}

/** Whatever makes the other figures of the row less than they seem. */
function remarks({ lostRecords }: Row, { spans, inner, strays }: Report): string {
  return [
    lostRecords ? `${lostRecords} records lost` : '',
    inner.missing ? `${inner.missing} links without a span` : '',
    spans.missing ? `${spans.missing} spans missing` : '',
    spans.repeated ? `${spans.repeated} spans repeated` : '',
    spans.unknown ? `${spans.unknown} spans unknown` : '',
    strays ? `${strays} requests of the load with a parent` : '',
  ]
    .filter(Boolean)
    .join('; ');
}

export function renderTable(rows: readonly Row[]): string {
  const titles = ['service', 'clients', 'busy loops', 'requests/s', ...COLUMNS.map(({ title }) => title)];
  const lines = rows.map((row) => {
    const head = [row.cell, String(row.clients), row.saturated ? String(LOOPS) : '0'];
    const { report } = row;
    if (!report)
      return [...head, '', ...COLUMNS.slice(1).map(() => ''), `not measured: ${row.skipped}`].join(' | ');
    const rate = row.requestsPerSecond?.toFixed(0) ?? '';
    return [...head, rate, ...COLUMNS.map(({ value }) => value(row, report))].join(' | ');
  });
  return [titles.join(' | '), titles.map(() => '---').join(' | '), ...lines]
    .map((line) => `| ${line} |`)
    .join('\n');
}

/** How sure the residual matcher was and how often it was right, in all cells of services that nothing was tuned on. Empty where it found nothing. */
export function renderCalibration(rows: readonly Row[]): string {
  const unseen = CELLS.filter(({ chain }) => chain.some((service) => service.unseen)).map(({ name }) => name);
  const reports = rows.flatMap(({ cell, report }) => (report && unseen.includes(cell) ? [report] : []));
  const answers = reports.flatMap(({ residual }) => residual);
  const error = calibrationError(answers);
  if (error === undefined) return '';
  const bins = calibrationBins(answers);
  const held = answers.filter(({ heldBack }) => heldBack);
  const others = calibrationError(answers.filter(({ heldBack }) => !heldBack)) ?? 0;
  return `## How sure, and how often right

${answers.length} links of the method \`residual\` in all cells of ${unseen.join(' and ')}, in ten bins of equal size. Mean distance:
${(100 * error).toFixed(1)} points. Of these ${held.length} were held back, of which ${rightShare(held)} % were right; without them it is ${(100 * others).toFixed(1)} points.

| confidence, mean % | ${bins.map(({ confidence }) => (100 * confidence).toFixed(1)).join(' | ')} |
|---|${bins.map(() => '---|').join('')}
| right % | ${bins.map((bin) => (100 * bin.right).toFixed(1)).join(' | ')} |
`;
}

/** `recorded`: of the recordings that the tests replay. */
export function renderPage(rows: readonly Row[], recorded: readonly Row[], machine: string): string {
  return `${METHOD}${machine}\n\n${renderTable(rows)}\n\n${renderCalibration(rows)}\n${RECORDINGS}${renderTable(recorded)}\n`;
}
