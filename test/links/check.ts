/**
 * Spans against the truth.
 *
 *   the load ── root ──► front end ── call ──► back end        two links a call:
 *            CLIENT  SERVER        CLIENT  SERVER
 *               └──hop──┘   └─inner──┘   └──hop──┘             the inner one is what is inferred
 *
 * An inner link is right where the parent of the call's CLIENT span is the SERVER span of the request that caused it; wrong with any other parent;
 * an orphan without one. Below the agent's threshold, or held back, a span has no parent but an OTLP link: a candidate, which is an orphan here;
 * whether it is right is counted beside.
 */
import type { ReceivedSpan } from '../support/otlp-proto.ts';
import { BASELINES, chooseByTime, ON_THREAD } from './baselines.ts';
import { type SpanCounts, SpanIndex } from './span-index.ts';
import { type Graded, upperBound } from './statistics.ts';
import type { Threads } from './threads.ts';
import { idsBelow, type Truth } from './truth.ts';

/** From here on the agent makes a candidate a parent that is not held back (receivers.undertrace.link.min_confidence). */
const CONFIDENT = 0.9;
const RESIDUAL = 'residual';

/** expected = right + wrong + orphan + missing, the last where the span itself is not there. */
export interface Tally {
  expected: number;
  right: number;
  wrong: number;
  orphan: number;
  missing: number;
}

export interface Share {
  count: number;
  of: number;
}

export interface Report {
  spans: SpanCounts;
  inner: Tally;
  hop: Tally;
  /** Client spans of the load that were given a parent, which they have not. */
  strays: number;
  /** Parents with confidence: how many, and how many were right. */
  confident: { given: number; right: number };
  /** Rate of wrong parents, of the links whose span is there, that is not exceeded, at 95 %. */
  wrongBound: number;
  /** Requests to a service all of whose calls have the right parent. */
  wholeRequests: Share;
  /** Requests of the load all of whose spans stand in one trace with the right parents. */
  wholeTraces: Share;
  /** The links that were found by the residual matcher. */
  residual: Guess[];
  /** Parents that were given, by `undertrace.link.method`; and span links that stand in their place. */
  methods: Record<string, Grades>;
  candidates: Record<string, Grades>;
  /** Right links of each rule that needs nothing but times, and of one that needs the threads of a recording. */
  baselines: Record<string, number>;
}

export interface Guess extends Graded {
  /** As sure as a parent, and none all the same. */
  readonly heldBack: boolean;
}

interface Grades {
  right: number;
  wrong: number;
}

type SpanName = Pick<ReceivedSpan, 'traceId' | 'spanId'>;

/** Who is said to be the parent, by a parent id or a link. */
interface Candidate {
  traceId: string;
  spanId: string;
  method: string;
  confidence: number;
  isParent: boolean;
  heldBack: boolean;
}

/** A parent without a confidence is claimed without reserve. */
function candidatesOf(span: ReceivedSpan): Candidate[] {
  const candidate = (
    { traceId, spanId }: SpanName,
    from: Record<string, unknown>,
    isParent: boolean,
  ): Candidate => {
    const heldBack = from['undertrace.link.held_back'];
    return {
      traceId,
      spanId,
      method: (from['undertrace.link.method'] as string | undefined) ?? 'unnamed',
      confidence: Number(heldBack ?? from['undertrace.link.confidence'] ?? 1),
      isParent,
      heldBack: heldBack !== undefined,
    };
  };
  if (span.parentSpanId)
    return [candidate({ traceId: span.traceId, spanId: span.parentSpanId }, span.attributes, true)];
  return span.links.map((link) => candidate(link, { ...span.attributes, ...link.attributes }, false));
}

const emptyTally = (): Tally => ({ expected: 0, right: 0, wrong: 0, orphan: 0, missing: 0 });

type Verdict = Exclude<keyof Tally, 'expected'>;

function judge(child: ReceivedSpan | undefined, parent: ReceivedSpan | undefined): Verdict {
  if (!child) return 'missing';
  if (child.parentSpanId === '') return 'orphan';
  return isParent(child, parent) ? 'right' : 'wrong';
}

/** The trace must be the same too: a parent id alone is half a link. */
function isNamed(name: SpanName, span: ReceivedSpan | undefined): boolean {
  return span !== undefined && name.spanId === span.spanId && name.traceId === span.traceId;
}

function isParent({ traceId, parentSpanId }: ReceivedSpan, parent: ReceivedSpan | undefined): boolean {
  return isNamed({ traceId, spanId: parentSpanId }, parent);
}

/** Links whose span is there: the others cannot be wrong. */
export function judged({ expected, missing }: Tally): number {
  return expected - missing;
}

function count(tally: Tally, verdict: Verdict): void {
  tally.expected++;
  tally[verdict]++;
}

/** `threads`: of a recording. */
export function checkLinks(spans: readonly ReceivedSpan[], truth: Truth, threads?: Threads): Report {
  const ids = truth.roots.flatMap((root) => [...idsBelow(truth, root)]);
  const index = new SpanIndex(spans, ids);
  const [inner, hop] = [emptyTally(), emptyTally()];
  const confident = { given: 0, right: 0 };
  const residual: Guess[] = [];
  const methods: Report['methods'] = {};
  const candidates: Report['candidates'] = {};
  const wholeRequests = { count: 0, of: truth.calls.size };
  for (const id of ids) {
    const { client, server } = index.of(id);
    count(hop, judge(server, client));
  }
  for (const [id, calls] of truth.calls) {
    const { server } = index.of(id);
    const verdicts = calls.map((call) => judge(index.of(call).client, server));
    for (const verdict of verdicts) count(inner, verdict);
    if (verdicts.every((verdict) => verdict === 'right')) wholeRequests.count++;
    for (const candidate of calls.flatMap((call) => candidatesOf(index.of(call).client ?? NO_SPAN))) {
      grade(candidate, isNamed(candidate, server));
    }
  }

  function grade({ method, confidence, isParent, heldBack }: Candidate, right: boolean): void {
    if (isParent && confidence >= CONFIDENT) {
      confident.given++;
      confident.right += Number(right);
    }
    const verdict = right ? 'right' : 'wrong';
    if (method === RESIDUAL) residual.push({ confidence, right, heldBack });
    const grades = isParent ? methods : candidates;
    (grades[method] ??= { right: 0, wrong: 0 })[verdict]++;
  }

  return {
    spans: index.counts,
    inner,
    hop,
    strays: truth.roots.filter((root) => index.of(root).client?.parentSpanId).length,
    confident,
    wrongBound: upperBound(inner.wrong, judged(inner)),
    wholeRequests,
    wholeTraces: {
      count: truth.roots.filter((root) => isWholeTrace(root, truth, index)).length,
      of: truth.roots.length,
    },
    residual,
    methods,
    candidates,
    baselines: rateBaselines(index, truth, threads),
  };
}

/** Stands for a span that is not there: it has no candidates. */
const NO_SPAN = { parentSpanId: '', links: [] as ReceivedSpan['links'] } as ReceivedSpan;

function isWholeTrace(id: string, truth: Truth, index: SpanIndex): boolean {
  const { client, server } = index.of(id);
  if (!client || !server || !isParent(server, client)) return false;
  return (truth.calls.get(id) ?? []).every(
    (call) => judge(index.of(call).client, server) === 'right' && isWholeTrace(call, truth, index),
  );
}

function rateBaselines(index: SpanIndex, truth: Truth, threads?: Threads): Report['baselines'] {
  const ends = [...index.all()];
  const known = BASELINES.filter(({ name }) => threads !== undefined || name !== ON_THREAD);
  return Object.fromEntries(
    known.map((baseline) => {
      const chosen = chooseByTime(ends, baseline, threads);
      let right = 0;
      for (const [id, calls] of truth.calls) {
        const server = index.of(id).server?.spanId;
        for (const call of calls) {
          const client = index.of(call).client;
          if (client && server && chosen.get(client.spanId) === server) right++;
        }
      }
      return [baseline.name, right];
    }),
  );
}
