import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { UserError } from '../src/base/errors.ts';
import { EXPORTERS, RECEIVER } from '../src/base/config/schema.ts';
import { leaves } from '../src/base/config/section.ts';
import type { Settings } from '../src/base/settings.ts';
import { VERSION } from '../src/base/version.ts';
import { DEFAULTS_PATH, loadSettings, reload, type SettingsOptions } from '../src/config.ts';
import { EXPORTER_TYPES } from '../src/output/exporter/index.ts';
import { completeQueueSettings } from '../src/output/queue-options.ts';

/** No environment and no terminal unless a test says so. */
function load(options: SettingsOptions = {}): Settings {
  return loadSettings({ env: {}, isTty: false, ...options });
}

function yaml(text: string, options: SettingsOptions = {}): Settings {
  return load({ configs: [`yaml:${text}`], ...options });
}

function ids(settings: Settings): string[] {
  return settings.exporters.map(({ id }) => id);
}

function problemsOf(options: SettingsOptions): string[] {
  try {
    load(options);
  } catch (error) {
    assert.ok(error instanceof UserError, String(error));
    assert.equal(error.exitCode, 1);
    return error.message
      .split('\n')
      .slice(1)
      .map((line) => line.trim());
  }
  throw new assert.AssertionError({ message: 'the configuration was accepted' });
}

describe('config', () => {
  let folder: string;
  const file = (name: string, text: string): string => {
    const target = path.join(folder, name);
    writeFileSync(target, text);
    return target;
  };

  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'undertrace-config-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  describe('defaults', () => {
    it('are those of config/default.yaml, which can be loaded like any other file', () => {
      const values = ({ effective }: Settings): unknown =>
        effective.map(({ path: key, value }) => [key, value]);
      const loaded = load({ configs: [DEFAULTS_PATH] });
      assert.deepEqual(values(loaded), values(load()));
      assert.deepEqual(loaded.receiver, load().receiver);
      assert.deepEqual(loaded.exporters, load().exporters);
      assert.deepEqual(loaded.warnings, []);
    });

    it('have fewer than 40 settings of our own', () => {
      assert.ok(leaves(RECEIVER).length < 40, String(leaves(RECEIVER).length));
    });

    it('are the defaults of every exporter that is built in', () => {
      const types = EXPORTER_TYPES.map(({ type }) => type);
      assert.deepEqual(Object.keys(EXPORTERS).sort(), [...types, 'prometheus'].sort());
      for (const { type, queueDefaults } of EXPORTER_TYPES.filter(({ type }) => type.startsWith('otlp'))) {
        const { exporters } = yaml(`exporters::${type}: {}`);
        assert.deepEqual(completeQueueSettings(exporters[0]!.settings, queueDefaults), queueDefaults, type);
        const { timeout, sending_queue, retry_on_failure } = exporters[0]!.settings;
        assert.deepEqual({ timeout, sending_queue, retry_on_failure }, queueDefaults, type);
      }
    });

    it('send nothing anywhere and print traces', () => {
      const settings = load();
      assert.deepEqual(ids(settings), ['debug']);
      assert.deepEqual(settings.listener, { host: 'localhost', port: 9464 });
      assert.equal(settings.healthCheck, undefined);
      assert.equal(settings.disabled, false);
      assert.deepEqual(settings.telemetry.resource, {
        'service.name': 'undertrace',
        'service.version': VERSION,
      });
    });
  });

  describe('exporters in use', () => {
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' };

    it('are OTLP where the environment has an endpoint, and the terminal where there is one', () => {
      assert.deepEqual(ids(load({ env: endpoint })), ['otlp_http']);
      assert.deepEqual(ids(load({ env: endpoint, isTty: true })), ['otlp_http', 'debug']);
      assert.equal(load({ env: endpoint }).exporters[0]!.settings.endpoint, 'http://c:4318');
      const grpc = load({ env: { ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' } });
      assert.deepEqual(ids(grpc), ['otlp_grpc']);
    });

    it('are not OTLP for a protocol or headers alone', () => {
      const env = { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_HEADERS: 'a=b' };
      assert.deepEqual(ids(load({ env })), ['debug']);
    });

    it('are what OTEL_TRACES_EXPORTER says where no file names one', () => {
      const env = (name: string) => ({ ...endpoint, OTEL_TRACES_EXPORTER: name });
      assert.deepEqual(ids(load({ env: env('none'), isTty: true })), []);
      assert.deepEqual(ids(load({ env: env('console') })), ['debug']);
      assert.deepEqual(ids(load({ env: env('otlp'), isTty: true })), ['otlp_http']);
      assert.deepEqual(ids(load({ env: { OTEL_TRACES_EXPORTER: 'otlp' } })), ['otlp_http']);
      assert.deepEqual(ids(yaml('exporters::file: {}', { env: env('none') })), ['file', 'otlp_http']);
    });

    it('are all that a file configures where it has no pipeline, else those of the pipeline', () => {
      assert.deepEqual(ids(yaml('exporters: {file: {path: x}, otlp_http/b: {}}')), ['file', 'otlp_http/b']);
      const explicit = yaml(
        '{exporters: {file: {path: x}}, service: {pipelines: {traces: {exporters: [nop]}}}}',
        {
          env: endpoint,
          isTty: true,
        },
      );
      assert.deepEqual(ids(explicit), ['nop']);
      const several = yaml(
        'service: {pipelines: {traces/a: {exporters: [nop, debug]}, traces/b: {exporters: [debug]}}}',
      );
      assert.deepEqual(ids(several), ['nop', 'debug']);
    });

    it('of metrics are the listener, and OTLP where the pipeline or the environment asks for that', () => {
      const found = ({ metricExporters, listener }: Settings) => [
        metricExporters.map(
          ({ id, settings }) => `${id} ${String(settings.metrics_endpoint ?? settings.endpoint)}`,
        ),
        listener !== undefined,
      ];
      assert.deepEqual(found(load({ env: endpoint })), [[], true]);
      const own = { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://m:4318/v1/metrics' };
      assert.deepEqual(found(load({ env: own })), [['otlp_http http://m:4318/v1/metrics'], true]);
      assert.deepEqual(ids(load({ env: own })), ['debug']);
      const both = { ...endpoint, OTEL_METRICS_EXPORTER: 'otlp', OTEL_METRIC_EXPORT_INTERVAL: '5000' };
      assert.deepEqual(found(load({ env: both })), [['otlp_http http://c:4318'], false]);
      assert.equal(load({ env: both }).receiver.metrics.pushIntervalMs, 5000);
      assert.deepEqual(found(load({ env: { OTEL_METRICS_EXPORTER: 'none' } })), [[], false]);
      assert.deepEqual(found(load({ env: { OTEL_METRICS_EXPORTER: 'console' } })), [[], true]);
      // Whom the file sends spans to was not asked to take metrics.
      assert.deepEqual(found(yaml('exporters::otlp_http::endpoint: "http://f"', { env: own })), [[], true]);
      const grpc = load({ env: { ...endpoint, ...own, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' } });
      assert.deepEqual(found(grpc), [[], true]);
      assert.equal(grpc.exporters[0]!.settings.endpoint, 'http://c:4318');
      assert.match(
        grpc.warnings[0]!,
        /OTEL_EXPORTER_OTLP_METRICS_ENDPOINT is ignored: otlp_grpc has one endpoint/,
      );
      const written = yaml(
        '{exporters: {otlp_grpc: {endpoint: "c:4317"}}, service: {pipelines: {metrics: {exporters: [prometheus, otlp_grpc]}}}}',
      );
      assert.deepEqual(found(written), [['otlp_grpc c:4317'], true]);
      assert.throws(
        () => yaml('service: {pipelines: {metrics: {exporters: [file]}}}'),
        /"file" does not take metrics; these do: otlp_http, otlp_grpc, nop, prometheus/,
      );
    });

    it('of metrics have limits of series by the names that there are', () => {
      const limits = (text: string) => yaml(`receivers: {undertrace: {metrics: {series_limits: ${text}}}}`);
      const { seriesLimits } = limits('{http.server.request.duration: 5000}').receiver.metrics;
      assert.deepEqual(seriesLimits, { default: 2000, 'http.server.request.duration': 5000 });
      assert.equal(seriesLimits.default, load().receiver.metrics.seriesLimits.default);
      assert.throws(
        () => limits('{http.server.request.durations: 5}'),
        /did you mean "?http\.server\.request\.duration/,
      );
      assert.throws(
        () => limits('{dns.lookup.duration: 0}'),
        /series_limits.*0 is not a whole number from 1/s,
      );
    });

    it('take the old names with a warning each', () => {
      const settings = yaml(
        '{exporters: {otlphttp/x: {endpoint: "http://a"}}, service: {pipelines: {traces: {exporters: [otlphttp/x, otlp]}}}}',
      );
      assert.deepEqual(ids(settings), ['otlp_http/x', 'otlp_grpc']);
      assert.equal(settings.warnings.length, 2);
      assert.match(settings.warnings[0]!, /"otlphttp\/x" is called "otlp_http\/x" now/);
    });

    it('get durations in milliseconds, sizes in bytes and nothing that is not set', () => {
      const { settings } = yaml(
        'exporters::otlp_http: {timeout: 1m, sending_queue: {queue_size: 1MiB}, headers: {n: 0123}, tls: {ca_file: /ca}}',
      ).exporters[0]!;
      assert.equal(settings.timeout, 60_000);
      assert.deepEqual(settings.headers, { n: '0123' });
      assert.equal((settings.sending_queue as { queue_size: number }).queue_size, 1024 * 1024);
      assert.deepEqual(settings.tls, { insecure: false, insecure_skip_verify: false, ca_file: '/ca' });
      assert.ok(!('traces_endpoint' in settings));
    });

    it('rotate files where rotation is written, as in the Collector, unless it says no', () => {
      assert.equal(yaml('exporters::file: {path: x}').exporters[0]!.settings.rotation, undefined);
      const off = yaml('exporters::file: {path: x, rotation: {enabled: false, max_backups: 3}}');
      assert.equal(off.exporters[0]!.settings.rotation, undefined);
      const on = yaml('exporters::file: {path: x, rotation: {max_backups: 3}}');
      assert.deepEqual(on.exporters[0]!.settings.rotation, { max_megabytes: 100, max_backups: 3 });
    });
  });

  describe('precedence', () => {
    it('is default, environment, files in order, --set', () => {
      const level = (options: SettingsOptions): string => load(options).telemetry.logs.level;
      const one = file('one.yaml', 'service: {telemetry: {logs: {level: warn}}}');
      const two = file('two.yaml', 'service: {telemetry: {logs: {level: error}}}');
      const env = { OTEL_LOG_LEVEL: 'debug' };
      assert.equal(level({}), 'info');
      assert.equal(level({ env }), 'debug');
      assert.equal(level({ env, configs: [one] }), 'warn');
      assert.equal(level({ env, configs: [one, two] }), 'error');
      assert.equal(level({ env, configs: [two, `file:${one}`] }), 'warn');
      assert.equal(level({ env, configs: [one], sets: ['service.telemetry.logs.level=silent'] }), 'silent');
    });

    it('merges maps key by key and replaces lists', () => {
      const { receiver } = load({
        configs: [
          'yaml:receivers::undertrace: {limits: {connections: 100}, redact: {query_keys: [a]}}',
          'yaml:receivers::undertrace: {limits: {connection_buffer: 8KiB}, redact: {query_keys: [b]}, filters:}',
        ],
      });
      assert.equal(receiver.limits.connections, 100);
      assert.equal(receiver.limits.connectionBufferBytes, 8192);
      assert.deepEqual(receiver.redact.queryKeys, ['b']);
      assert.ok(receiver.filters.exclude.length > 0);
    });

    it('mixes no credentials of the environment into an endpoint of a file', () => {
      const env = {
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a',
        OTEL_EXPORTER_OTLP_HEADERS: 'authorization=secret',
      };
      const settings = yaml('exporters::otlp_http::endpoint: "http://b"', { env });
      assert.deepEqual(settings.exporters[0]!.settings.headers, {});
      assert.equal(settings.exporters[0]!.settings.endpoint, 'http://b');
      assert.match(settings.warnings.join(), /OTEL_EXPORTER_OTLP_HEADERS.*not used/);
      const kept = load({ env, sets: ['exporters.otlp_http.compression=none'] });
      assert.deepEqual(kept.exporters[0]!.settings.headers, { authorization: 'secret' });
      assert.equal(kept.exporters[0]!.settings.compression, 'none');
    });

    it('remembers where each value came from', () => {
      const settings = load({
        env: { OTEL_TRACES_SAMPLER: 'always_off' },
        configs: [file('origin.yaml', 'receivers:\n  undertrace:\n    scan: false\n')],
        sets: ['receivers.undertrace.trace_wait=1s'],
      });
      const origin = (key: string): string =>
        settings.effective.find(({ path: known }) => known.join('.') === `receivers.undertrace.${key}`)!
          .origin.text;
      assert.equal(origin('scan'), `${path.join(folder, 'origin.yaml')}:3`);
      assert.equal(origin('trace_wait'), '--set');
      assert.equal(origin('sampler.name'), 'environment OTEL_TRACES_SAMPLER');
      assert.equal(origin('backend'), 'default');
    });

    it('hides secrets among the effective values', () => {
      const settings = yaml(
        'exporters::otlp_http: {endpoint: "http://me:hunter2@a/", headers: {authorization: Bearer hunter2}}',
      );
      assert.ok(!JSON.stringify(settings.effective).includes('hunter2'));
      assert.ok(JSON.stringify(settings.exporters).includes('hunter2'));
    });
  });

  describe('the directory', () => {
    it('is a Redis or Valkey by its URL, and none by default', () => {
      assert.equal(yaml('receivers::undertrace: {}').receiver.link.directory, undefined);
      const of = (url: string): unknown =>
        yaml(`receivers::undertrace::link::directory: "${url}"`).receiver.link.directory;
      const rest = { username: undefined, password: undefined, database: 0, ttlMs: 10_000 };
      assert.deepEqual(of('redis://cache'), { host: 'cache', port: 6379, tls: false, ...rest });
      assert.deepEqual(of('valkeys://me:p%40ss@[::1]:7000/3'), {
        ...{ host: '::1', port: 7000, tls: true, username: 'me', password: 'p@ss', database: 3 },
        ttlMs: 10_000,
      });
      assert.deepEqual(of('rediss://:pass@10.0.0.1/'), {
        ...rest,
        ...{ host: '10.0.0.1', port: 6379, tls: true, password: 'pass' },
      });
    });
  });

  describe('components', () => {
    it('honours pipelines and telemetry', () => {
      const settings = yaml(
        '{extensions: {health_check: {path: /up}}, service: {extensions: [health_check], pipelines: {metrics: {exporters: [nop]}},' +
          ' telemetry: {logs: {encoding: json}, metrics: {level: none}, resource: {service.name: eyes, a.b: 1}}}}',
      );
      assert.deepEqual(settings.healthCheck, { host: 'localhost', port: 13133, path: '/up' });
      assert.equal(settings.listener, undefined);
      assert.equal(settings.telemetry.logs.encoding, 'json');
      assert.equal(settings.telemetry.metrics.level, 'none');
      assert.deepEqual(settings.telemetry.resource, {
        'service.name': 'eyes',
        'service.version': VERSION,
        'a.b': '1',
      });
    });

    it("takes the Collector's reader for the listener", () => {
      const reader =
        'service::telemetry::metrics::readers: [{pull: {exporter: {prometheus: {host: 0.0.0.0, port: 8888}}}}]';
      assert.deepEqual(yaml(reader).listener, { host: '0.0.0.0', port: 8888 });
      assert.match(
        problemsOf({ configs: ['yaml:service::telemetry::metrics::readers: [{periodic: {}}]'] })[0]!,
        /only one reader/,
      );
    });

    it('has lists of values in a rule stand for a rule each', () => {
      const { filters } = yaml(
        'receivers::undertrace::filters: {include: [{command: [a, b], port: [1, 2]}], drop_spans: [{status: [404, 5XX]}]}',
      ).receiver;
      assert.deepEqual(filters.include, [
        { command: 'a', port: 1 },
        { command: 'a', port: 2 },
        { command: 'b', port: 1 },
        { command: 'b', port: 2 },
      ]);
      assert.deepEqual(filters.drop_spans, [{ status: '404' }, { status: '5xx' }]);
    });
  });

  describe('mistakes', () => {
    const cases: Array<[text: string, message: RegExp]> = [
      [
        'receivers::undertrace::drain_intervall: 5ms',
        /drain_intervall: unknown key; did you mean receivers\.undertrace\.drain_interval\?/,
      ],
      ['receivers::undertrace::connections: 5', /did you mean receivers\.undertrace\.limits\.connections\?/],
      [
        'receivers::undertrace::ring_size: 15MiB',
        /"15MiB" is not allowed; must be a power of two from 64KiB to 1GiB/,
      ],
      ['receivers::undertrace::trace_wait: 200', /200 is not allowed; must be a duration with its unit/],
      ['receivers::undertrace::scan: "yes"', /"yes" is not allowed; must be true or false/],
      ['receivers::undertrace::http: 7', /must be a map with the keys routes, exchange_timeout/],
      ['receivers::undertrace::http::routes: /a', /must be a list of patterns/],
      ['receivers::undertrace::http::routes: [a]', /routes\[0\]: "a" is not a pattern that starts with/],
      [
        'receivers::undertrace::filters::exclude: [{comand: x}]',
        /exclude\[0\]\.comand: unknown key; did you mean command\?/,
      ],
      ['receivers::undertrace::filters::exclude: [{}]', /no condition/],
      ['receivers::undertrace::filters::exclude: [{children: true}]', /no condition/],
      [
        'receivers::undertrace::filters::exclude: [{port: [1, 99999]}]',
        /exclude\[0\]\.port: 99999 is not a whole number/,
      ],
      ['receivers::undertrace::services: [{executable: x}]', /has no "name"/],
      ['receivers::otlp: {}', /there is no receiver "otlp": built in: undertrace/],
      ['receivers::undertrace/2: {}', /one machine and one receiver/],
      ['processors::batch: {}', /there is no processor "batch": batching is part of every exporter/],
      ['exporters::logging: {}', /there is no exporter "logging": use debug/],
      ['exporters::otlp_htp: {}', /did you mean otlp_http\?/],
      ['exporters::otlp_http::endpoint: localhost:4318', /must be an http:\/\/ or https:\/\/ URL/],
      ['exporters::otlp_http::headers: [a]', /the value is not allowed; must be a map from header to value/],
      [
        'receivers::undertrace::link::directory: localhost:6379',
        /the value is not allowed; must be redis:\/\/\[user:password@\]host\[:port\]\[\/database\], or rediss:/,
      ],
      ['receivers::undertrace::link::directory: "redis://a/b"', /must be redis:/],
      ['receivers::undertrace::link::directory_ttl: 1h', /a duration with its unit .* from 5s to 1m/],
      ['exporters::debug::verbosity: loud', /must be one of basic, normal, detailed/],
      ['extensions::zpages: {}', /there is no extension "zpages": use `undertrace status`/],
      ['service::pipelines::traces::processors: [memory_limiter]', /there is no processor "memory_limiter"/],
      [
        'service::pipelines::traces::exporters: [otlp_http/x]',
        /"otlp_http\/x" is not configured under exporters/,
      ],
      ['service::pipelines::traces::exporters: []', /is empty/],
      ['service::pipelines::traces::exporters: debug', /must be a list of component ids/],
      ['service::pipelines::traces::exporters: [prometheus]', /does not take traces/],
      ['service::pipelines::logs: {}', /there is no such pipeline; known: traces, metrics/],
      ['service::telemetry::logs::level: loud', /must be one of debug, info, warn, error, silent/],
      [
        'exporters::otlp_http::sending_queue: {queue_size: 1000}',
        /1000 bytes hold hardly a span; the Collector counts requests: set sizer: requests/,
      ],
      ['service::extension: []', /did you mean extensions\?/],
      ['receiver: {}', /unknown section; did you mean receivers\?/],
      ['__proto__: {}', /unknown section/],
      ['receivers::undertrace::constructor: {}', /unknown key/],
      ['receivers: [', /is not YAML/],
      ['a: 1\na: 2', /is not YAML: Map keys must be unique/],
      ['just text', /is not a map of sections/],
      ['receivers::undertrace::backend: ${http:x}', /is not known; allowed: \$\{env:NAME\}/],
    ];
    for (const [text, message] of cases) {
      it(`are told for ${JSON.stringify(text)}`, () => {
        const problems = problemsOf({ configs: [`yaml:${text}`] });
        assert.equal(problems.length, 1, problems.join('\n'));
        assert.match(problems[0]!, message);
      });
    }

    it('are told all at once with file and line, in their order', () => {
      const bad = file(
        'bad.yaml',
        'service:\n  extensions: [no]\nreceivers:\n  undertrace:\n    scan: 3\n    nope: 1\n',
      );
      const lines = problemsOf({ configs: [bad] }).map((line) => line.slice(bad.length).split(' ')[0]);
      assert.deepEqual(lines, [':2:', ':5:', ':6:']);
    });

    it('are told of a source that cannot be read', () => {
      assert.match(problemsOf({ configs: [path.join(folder, 'none.yaml')] })[0]!, /cannot read .*none\.yaml/);
      assert.match(problemsOf({ configs: ['env:NONE'] })[0]!, /NONE is empty or not set/);
      assert.match(problemsOf({ configs: ['https://x/y'] })[0]!, /only file:, env: and yaml:/);
      assert.match(problemsOf({ sets: ['a.b'] })[0]!, /write --set a\.b\.c=value/);
    });

    it('never show a secret', () => {
      const problems = problemsOf({ configs: ['yaml:exporters::otlp_http::headers: {a: [hunter2]}'] });
      assert.ok(!problems.join().includes('hunter2'));
      const url = 'yaml:receivers::undertrace::link::directory: "redis://me:hunter2/3@cache"';
      assert.match(problemsOf({ configs: [url] })[0]!, /^[^\n]*the value is not allowed/);
      assert.ok(
        !problemsOf({ configs: [url] })
          .join()
          .includes('hunter2'),
      );
    });

    it('do not come from a --config in a variable', () => {
      const settings = load({
        configs: ['env:CONF'],
        env: { CONF: 'receivers: {undertrace: {scan: "${env:S}"}}', S: '' },
        sets: ['receivers.undertrace.scan=false'],
      });
      assert.equal(settings.receiver.scan, false);
    });
  });

  describe('reload', () => {
    it('says what changed and what waits for the next start', () => {
      const options = { env: {}, isTty: false };
      const before = load();
      const outcome = reload(before, {
        ...options,
        sets: [
          'receivers.undertrace.filters.exclude=[{command: x}]',
          'service.telemetry.logs.level=debug',
          'receivers.undertrace.ring_size=1MiB',
          'receivers.undertrace.sampler.ratio=0.5',
          'receivers.undertrace.link.instrumented=nest',
          'receivers.undertrace.limits.cpu=0.25',
          'receivers.undertrace.limits.memory=512MiB',
          'receivers.undertrace.limits.query_text=100',
        ],
      });
      assert.ok(outcome.ok);
      assert.deepEqual(outcome.applied, [
        'receivers.undertrace.filters.exclude',
        'receivers.undertrace.link.instrumented',
        'receivers.undertrace.limits.cpu',
        'receivers.undertrace.limits.memory',
        'receivers.undertrace.sampler.ratio',
        'service.telemetry.logs.level',
      ]);
      assert.deepEqual(outcome.needRestart, [
        'receivers.undertrace.ring_size',
        'receivers.undertrace.limits.query_text',
      ]);
      const { cpu, memoryBytes } = outcome.settings.receiver.limits;
      assert.deepEqual([cpu, memoryBytes], [0.25, 512 << 20]);
      assert.deepEqual(outcome.settings.receiver.filters.exclude, [{ command: 'x' }]);
      assert.equal(outcome.settings.receiver.link.instrumented, 'nest');
      const same = reload(before, options);
      assert.ok(same.ok);
      assert.deepEqual([...same.applied, ...same.needRestart], []);
    });

    it('notices a new password without showing it', () => {
      const options = (password: string): SettingsOptions => ({
        env: {},
        isTty: false,
        sets: [`exporters.otlp_http.headers={authorization: ${password}}`],
      });
      const outcome = reload(load(options('old')), options('hunter2'));
      assert.ok(outcome.ok);
      assert.deepEqual(outcome.needRestart, ['exporters.otlp_http.headers']);
    });

    it('notices another directory without showing it', () => {
      const options = (password: string): SettingsOptions => ({
        env: {},
        isTty: false,
        sets: [`receivers.undertrace.link.directory=redis://a:${password}@cache`],
      });
      const outcome = reload(load(options('old')), options('hunter2'));
      assert.ok(outcome.ok);
      assert.deepEqual(outcome.needRestart, ['receivers.undertrace.link.directory']);
      assert.ok(!JSON.stringify(outcome.settings.effective).includes('hunter2'));
    });

    it('keeps the old configuration when the new one is wrong', () => {
      const outcome = reload(load(), { env: {}, sets: ['receivers.undertrace.scan=maybe'] });
      assert.ok(!outcome.ok);
      assert.match(outcome.error, /receivers\.undertrace\.scan: "maybe" is not allowed/);
    });
  });
});
