import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { inCheckout } from '../support/programs.ts';
import { promtool, SOURCE } from '../support/prometheus.ts';
import { readRules, RULE_FILES } from '../support/rules.ts';

const SEVERITIES = ['critical', 'warning', 'info'];
const TESTS = inCheckout('test', 'stack', 'rules');
const testFiles = readdirSync(TESTS).map((name) => path.join(TESTS, name));

interface RuleTests {
  tests: Array<{ alert_rule_test: Array<{ alertname: string; exp_alerts: unknown[] }> }>;
}

describe('stack/rules', function () {
  this.timeout(60_000);
  const rules = readRules();

  it('are read by Prometheus, as is its configuration', function () {
    promtool(this, 'check', 'rules', ...RULE_FILES);
    promtool(this, 'check', 'config', path.join(SOURCE, 'prometheus.yml'));
  });

  for (const file of testFiles)
    it(`fire when they should, and not else: ${path.basename(file)}`, function () {
      promtool(this, 'test', 'rules', file);
    });

  it('are tested one and all: that they fire, and that they wait', () => {
    const outcomes = testFiles.flatMap((file) =>
      (parse(readFileSync(file, 'utf8')) as RuleTests).tests.flatMap((test) => test.alert_rule_test),
    );
    const tested = (fires: boolean): string[] =>
      outcomes
        .filter(({ exp_alerts: alerts }) => alerts.length > 0 === fires)
        .map(({ alertname }) => alertname)
        .sort();
    const names = rules.map(({ alert }) => alert).sort();
    assert.deepEqual([...new Set(tested(true))], names);
    assert.deepEqual([...new Set(tested(false))], names);
  });

  it('say for how long, how bad, what and where to read on', () => {
    const sections = new Set(
      [...readFileSync(inCheckout('docs', 'runbook.md'), 'utf8').matchAll(/^## (\w+)$/gm)].map(
        ([, title]) => title!,
      ),
    );
    for (const { alert, for: after, labels, annotations } of rules) {
      assert.match(after ?? '', /^\d+[mh]$/, alert);
      assert.ok(SEVERITIES.includes(labels?.severity ?? ''), `${alert} is ${labels?.severity}`);
      assert.ok(annotations?.summary, alert);
      assert.equal(annotations?.runbook_url, `docs/runbook.md#${alert.toLowerCase()}`);
    }
    assert.deepEqual([...sections].sort(), rules.map(({ alert }) => alert).sort());
  });
});
