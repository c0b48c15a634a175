/** PromQL for rate, errors and duration of requests, which several dashboards ask. */

/** Rate of a counter, added up by labels. */
export function rate(selector: string, by: string): string {
  return `sum by (${by}) (rate(${selector}[$__rate_interval]))`;
}

/** A quantile of a histogram, given as `name{labels}`. */
export function quantile(q: number, name: string, labels: string, by = ''): string {
  const groups = by === '' ? 'le' : `le, ${by}`;
  return `histogram_quantile(${q}, sum by (${groups}) (rate(${name}_bucket{${labels}}[$__rate_interval])))`;
}

/** The share of `part` in `whole`, 0 where nothing of it happened; `whole` and `part` are sums by the same labels. */
export function share(part: string, whole: string): string {
  return `(${part} or 0 * ${whole}) / (${whole} > 0)`;
}

/** An address of Grafana's Explore: the traces of a service in Jaeger. */
export function tracesOf(service: string): string {
  const pane = (name: string): string =>
    JSON.stringify({
      traces: {
        datasource: 'jaeger',
        queries: [
          {
            ...{ refId: 'A', datasource: { type: 'jaeger', uid: 'jaeger' } },
            ...{ queryType: 'search', service: name },
          },
        ],
        range: { from: 'now-1h', to: 'now' },
      },
    });
  const [before, after] = pane('SERVICE').split('SERVICE').map(encodeURIComponent);
  return `/explore?schemaVersion=1&panes=${before}${service}${after}`;
}
