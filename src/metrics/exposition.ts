/**
 * Metrics as text for Prometheus: the text format (version 0.0.4) and OpenMetrics (version 1.0). Thousands of series are told between two drains of the
 * ring, so this rests in between, and makes the text of a series' labels once in its life.
 */
import type { Histogram } from '../base/histogram.ts';
import type { Metric } from '../base/metric.ts';
import { Slices } from '../base/slices.ts';
import { ExemplarHistogram, type Exemplar } from './exemplars.ts';
import { prometheusLabel, prometheusName } from './prometheus-name.ts';
import { OVERFLOW } from './series.ts';

/** Resolves to the lines of all metrics; in OpenMetrics without the `# EOF` that ends them. */
export async function exposed(metrics: readonly Metric[], openMetrics: boolean): Promise<string> {
  const slices = new Slices();
  let text = '';
  for (const metric of metrics) {
    const { instrument } = metric;
    const name = prometheusName(instrument);
    const family = openMetrics && instrument.type === 'counter' ? name.replace(/_total$/, '') : name;
    text += `# HELP ${family} ${escaped(instrument.description, openMetrics)}\n# TYPE ${family} ${instrument.type}\n`;
    const keys = instrument.attributes.map(prometheusLabel);
    for (const { attributes, value } of metric.points()) {
      const labels = attributes === undefined ? OVERFLOWED : labelsOf(keys, attributes);
      text +=
        typeof value === 'number'
          ? `${name}${labels === '' ? '' : `{${labels}}`} ${shown(value)}\n`
          : histogramLines(name, labels, value, openMetrics);
      if (slices.isOver()) await slices.rest();
    }
  }
  return text;
}

const OVERFLOWED = `${prometheusLabel(OVERFLOW)}="true"`;

/** By a series' attributes, which are one object for as long as it lives, and for all metrics that are measured of the same. */
const labelsOfSeries = new WeakMap<readonly string[], string>();

function labelsOf(keys: readonly string[], attributes: readonly string[]): string {
  let labels = labelsOfSeries.get(attributes);
  if (labels === undefined) {
    const pairs = keys.map((key, i) =>
      attributes[i] === '' ? '' : `${key}="${escaped(attributes[i]!, true)}"`,
    );
    labels = pairs.filter((pair) => pair !== '').join(',');
    labelsOfSeries.set(attributes, labels);
  }
  return labels;
}

function histogramLines(name: string, labels: string, histogram: Histogram, openMetrics: boolean): string {
  const { counts, count, sum } = histogram;
  const bounds = boundsOf(histogram);
  const exemplars = openMetrics && histogram instanceof ExemplarHistogram ? histogram.exemplars : [];
  const more = labels === '' ? '' : `,${labels}`;
  let lines = '';
  let below = 0;
  for (let i = 0; i < bounds.length; i++) {
    below += counts[i]!;
    lines += `${name}_bucket{le="${bounds[i]}"${more}} ${below}${exemplarText(exemplars[i])}\n`;
  }
  const whole = labels === '' ? '' : `{${labels}}`;
  return `${lines}${name}_bucket{le="+Inf"${more}} ${count}${exemplarText(exemplars[bounds.length])}
${name}_sum${whole} ${shown(sum)}
${name}_count${whole} ${count}
`;
}

/** Bounds look alike in both formats, whatever a scraper makes of `1` and `1.0`. Histograms of one kind share theirs. */
const boundTexts = new WeakMap<readonly number[], readonly string[]>();

function boundsOf({ bounds }: Histogram): readonly string[] {
  let texts = boundTexts.get(bounds);
  if (texts === undefined) {
    texts = bounds.map((bound) => (Number.isInteger(bound) ? `${bound}.0` : String(bound)));
    boundTexts.set(bounds, texts);
  }
  return texts;
}

function exemplarText(exemplar: Exemplar | undefined): string {
  if (exemplar === undefined) return '';
  const { traceId, spanId, value, unixMs } = exemplar;
  return ` # {trace_id="${traceId}",span_id="${spanId}"} ${value} ${unixMs / 1000}`;
}

function shown(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}

/** Values of labels, and in OpenMetrics help, too, have `"` escaped. */
function escaped(text: string, quotes: boolean): string {
  if (!/[\\\n"]/.test(text)) return text;
  const most = text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return quotes ? most.replaceAll('"', '\\"') : most;
}
