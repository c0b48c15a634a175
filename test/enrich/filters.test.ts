import assert from 'node:assert/strict';

import type { ProcessRule, SpanRule } from '../../src/base/settings.ts';
import { Filters, type SpanFacts } from '../../src/enrich/filters.ts';
import { Glob, matchesGlob } from '../../src/enrich/glob.ts';
import type { ProcessView } from '../../src/enrich/process-table.ts';
import { DEFAULTS } from '../support/defaults.ts';

const ID = '5f9c4ab08cac7457e9111a30e4664920607ea2c115a1433d7be98e97e64244ca';

function view(change: Partial<ProcessView> = {}): ProcessView {
  return {
    ...{ tgid: 100, ancestors: [50, 1], command: 'shopd', executable: '/opt/shop/bin/shopd' },
    ...{ cgroup: `/docker/${ID}`, containerId: ID, netns: 4026531840, agent: false },
    ...change,
  };
}

function span(change: Partial<SpanFacts> = {}): SpanFacts {
  return {
    path: '/',
    route: '/',
    method: 'GET',
    userAgent: 'curl/8',
    status: 200,
    service: 'shop',
    ...change,
  };
}

function filters(rules: {
  include?: ProcessRule[];
  exclude?: ProcessRule[];
  drop_spans?: SpanRule[];
}): Filters {
  return new Filters({ include: [], exclude: [], drop_spans: [], ...rules });
}

describe('enrich/filters', () => {
  it('excludes by every key, and not by another value of it', () => {
    const pairs: Array<[ProcessRule, ProcessRule]> = [
      [{ pid: 100 }, { pid: 50 }],
      [
        { pid: 50, children: true },
        { pid: 51, children: true },
      ],
      [{ command: 'shop*' }, { command: 'shop' }],
      [{ executable: 'shopd' }, { executable: 'shop' }],
      [{ executable: '/opt/*/shopd' }, { executable: '/srv/*' }],
      [{ cgroup: '/docker/*' }, { cgroup: '/docker' }],
      [{ container_id: ID.slice(0, 12) }, { container_id: 'ffffffffffff' }],
      [{ network_namespace: 4026531840 }, { network_namespace: 1 }],
      [
        { executable: 'shopd', command: 'shopd' },
        { executable: 'shopd', command: 'x' },
      ],
    ];
    for (const [fitting, other] of pairs) {
      assert.equal(filters({ exclude: [fitting] }).process(view()).traced, false, JSON.stringify(fitting));
      assert.equal(filters({ exclude: [other] }).process(view()).traced, true, JSON.stringify(other));
      assert.equal(filters({ include: [fitting] }).process(view()).traced, true, JSON.stringify(fitting));
      assert.equal(filters({ include: [other] }).process(view()).traced, false, JSON.stringify(other));
    }
  });

  it('lets exclude win over include', () => {
    const both = filters({ include: [{ command: 'shopd' }], exclude: [{ pid: 100 }] });
    assert.equal(both.process(view()).traced, false);
  });

  it('decides about ports by connection', () => {
    const excluding = filters({ exclude: [{ port: 9090 }, { command: 'shopd', port: 8080 }] });
    assert.equal(excluding.process(view()).traced, true);
    assert.equal(excluding.connection(view(), 9090).traced, false);
    assert.equal(excluding.connection(view(), 8080).traced, false);
    assert.equal(excluding.connection(view({ command: 'x' }), 8080).traced, true);
    assert.equal(excluding.port(9090).traced, false);
    assert.equal(excluding.port(8080).traced, true);
    const including = filters({ include: [{ port: 80 }] });
    assert.equal(including.process(view()).traced, true);
    assert.equal(including.connection(view(), 80).traced, true);
    assert.equal(including.connection(view(), 81).traced, false);
    assert.equal(including.port(81).traced, false);
  });

  it('says why', () => {
    assert.match(
      filters({ exclude: [{ command: 'shopd' }] }).process(view()).why,
      /excluded by rule \{command: shopd\}/,
    );
    assert.match(filters({ include: [{ pid: 100 }] }).process(view()).why, /included by rule \{pid: 100\}/);
    assert.match(filters({ include: [{ pid: 1 }] }).process(view()).why, /none fits/);
    assert.match(filters({ drop_spans: [{ path: '/x' }] }).dropsSpan(span({ path: '/x' }))!, /\{path: \/x\}/);
  });

  it('takes a rule without keys for no rule', () => {
    assert.equal(filters({ exclude: [{}], drop_spans: [{}] }).process(view()).traced, true);
    assert.equal(filters({ include: [{}] }).process(view()).traced, true);
    assert.equal(filters({ drop_spans: [{}] }).dropsSpan(span()), undefined);
  });

  it('drops spans by every key', () => {
    const pairs: Array<[SpanRule, Partial<SpanFacts>, Partial<SpanFacts>]> = [
      [{ path: '/static/*' }, { path: '/static/x/y.js' }, { path: '/x' }],
      [{ route: '/users/{id}' }, { route: '/users/{id}' }, { route: undefined }],
      [{ method: 'OPTIONS' }, { method: 'OPTIONS' }, { method: 'GET' }],
      [{ user_agent: 'kube-probe/*' }, { userAgent: 'kube-probe/1.31' }, { userAgent: undefined }],
      [{ status: '404' }, { status: 404 }, { status: 403 }],
      [{ status: '4xx' }, { status: 418 }, { status: undefined }],
      [{ service: 'shop*' }, { service: 'shop-web' }, { service: 'cart' }],
      [{ method: 'GET', path: '/x' }, { path: '/x' }, { method: 'POST', path: '/x' }],
    ];
    for (const [rule, fitting, other] of pairs) {
      assert.notEqual(
        filters({ drop_spans: [rule] }).dropsSpan(span(fitting)),
        undefined,
        JSON.stringify(rule),
      );
      assert.equal(filters({ drop_spans: [rule] }).dropsSpan(span(other)), undefined, JSON.stringify(rule));
    }
  });

  it('leaves out what watches other programs, unless told otherwise', () => {
    const defaults = new Filters(DEFAULTS.filters);
    for (const executable of [
      '/usr/bin/otelcol-contrib',
      '/otelcol',
      '/usr/bin/prometheus',
      '/usr/sbin/grafana',
      '/jaeger',
    ]) {
      assert.equal(defaults.process(view({ executable })).traced, false, executable);
    }
    assert.equal(defaults.process(view()).traced, true);
    for (const dropped of [
      { method: 'POST', path: '/v1/traces' },
      { method: 'POST', path: '/otlp/v1/metrics' },
      { path: '/metrics' },
      { path: '/federate', userAgent: 'Prometheus/3.1.0' },
      { path: '/healthz' },
      { path: '/health/ready' },
      { path: '/anything', userAgent: 'kube-probe/1.31' },
      { path: '/', userAgent: 'GoogleHC/1.0' },
    ]) {
      assert.notEqual(defaults.dropsSpan(span(dropped)), undefined, JSON.stringify(dropped));
    }
    for (const kept of [
      {},
      { path: '/healthy-food' },
      { path: '/v1/traces' },
      { method: 'POST', path: '/metrics' },
    ]) {
      assert.equal(defaults.dropsSpan(span(kept)), undefined, JSON.stringify(kept));
    }
  });

  it('takes new rules while it runs', () => {
    const changing = new Filters(DEFAULTS.filters);
    const { generation } = changing;
    changing.replace({ ...DEFAULTS.filters, exclude: [{ command: 'shopd' }], drop_spans: [] });
    assert.equal(changing.process(view()).traced, false);
    assert.equal(changing.dropsSpan(span({ path: '/healthz' })), undefined);
    assert.notEqual(changing.generation, generation);
  });
});

describe('enrich/glob', () => {
  it('compares the whole text', () => {
    for (const [glob, text, fits] of [
      ['', '', true],
      ['*', '', true],
      ['a*', 'abc', true],
      ['*c', 'abc', true],
      ['a*c', 'abbbc', true],
      ['a*b*c', 'axbxbc', true],
      ['a?c', 'abc', true],
      ['a?c', 'ac', false],
      ['abc', 'abcd', false],
      ['a.c', 'abc', false],
      ['*a*b', 'xaxbx', false],
      ['[a]', '[a]', true],
      ['**', 'x/y', true],
      ['*b*', 'abc', true],
      ['*b*', 'ac', false],
      ['*', 'x', true],
    ] as const) {
      assert.equal(matchesGlob(glob, text), fits, `${glob} ${text}`);
      assert.equal(new Glob(glob).matches(text), fits, `${glob} ${text} compiled`);
    }
  });

  it('comes to an end however many stars there are', () => {
    assert.equal(matchesGlob('*a*a*a*a*a*a*a*a*b', 'a'.repeat(20_000)), false);
    assert.equal(matchesGlob('*a*a*a*a*a*a*a*a*b', `${'a'.repeat(20_000)}b`), true);
  });
});
