import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { generateDashboards } from '../../scripts/gen-dashboards.ts';
import { dashboards, panelQueries, variables } from '../support/dashboards.ts';
import { inCheckout } from '../support/programs.ts';
import { readRules } from '../support/rules.ts';

/** What Prometheus makes itself. */
const PROMETHEUS = new Set(['up', 'ALERTS', 'scrape_duration_seconds', 'scrape_samples_scraped']);
/** A name in PromQL that is no function, keyword, label or variable: it stands before `{`, `[`, `)`, or alone. */
const METRIC = /(?<![\w$"{,])([a-zA-Z_]\w*_\w+|up|ALERTS)(?=\{|\[| |\)|$)(?! *\()/g;
/** Lists of labels. */
const LABELS = /\b(?:by|on|group_left) \([^)]*\)/g;
/** Functions and keywords that look like one. */
const WORDS = new Set(['group_left', 'group_right', 'histogram_quantile', 'label_replace', 'label_join']);

/** Every metric of docs/metrics.md, histograms with their parts. */
function documented(): Set<string> {
  const text = readFileSync(inCheckout('docs', 'metrics.md'), 'utf8');
  const rows = [...text.matchAll(/\| `(\w+)`\s+\| (counter|gauge|histogram)\b/g)];
  return new Set(
    rows.flatMap(([, name, type]) =>
      type === 'histogram' ? ['_bucket', '_sum', '_count'].map((part) => name + part) : [name!],
    ),
  );
}

describe('stack/dashboards', () => {
  it('are what `npm run gen:dashboards` writes', async () => {
    const generated = await generateDashboards();
    for (const [path, text] of Object.entries(generated))
      assert.equal(
        readFileSync(inCheckout(path), 'utf8'),
        text,
        `${path} is stale: run npm run gen:dashboards`,
      );
    assert.deepEqual(
      Object.keys(dashboards()).map((name) => `config/grafana/${name}`),
      Object.keys(generated).sort(),
    );
  });

  it('choose agents in the same way, and lead to each other', () => {
    const all = Object.values(dashboards());
    assert.equal(new Set(all.map(({ uid }) => uid)).size, all.length);
    for (const dashboard of all) {
      const names = variables(dashboard).map(({ name }) => name);
      assert.deepEqual(names.slice(0, 2), ['job', 'instance'], dashboard.title);
      assert.ok(JSON.stringify(dashboard).includes('"type":"dashboards"'), dashboard.title);
    }
    const uids = new Set(all.map(({ uid }) => uid));
    for (const [, uid] of JSON.stringify(all).matchAll(/"\/d\/([\w-]+)/g))
      assert.ok(uids.has(uid!), `there is no dashboard ${uid}`);
  });

  it('ask, as the alerts do, for metrics that there are', () => {
    const known = documented();
    assert.ok(known.size > 100, `${known.size} are documented`);
    const asked = [
      ...panelQueries().map(({ name, expr }) => ({ name, expr })),
      ...readRules().map(({ alert, expr }) => ({ name: alert, expr })),
    ];
    for (const { name, expr } of asked) {
      const metrics = [...expr.replaceAll(LABELS, '').matchAll(METRIC)]
        .map(([, metric]) => metric!)
        .filter((word) => !WORDS.has(word));
      assert.ok(metrics.length > 0, `${name}: no metric found in ${expr}`);
      for (const metric of metrics)
        assert.ok(
          known.has(metric) || PROMETHEUS.has(metric),
          `${name}: ${metric} is not in docs/metrics.md`,
        );
    }
  });
});
