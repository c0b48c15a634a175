import assert from 'node:assert/strict';
import { parse } from 'yaml';
import { renderConfig } from '../../src/commands/print-config.ts';
import { durationText, renderStatus } from '../../src/commands/status.ts';
import { table } from '../../src/commands/table.ts';
import { renderWhy } from '../../src/commands/why.ts';
import { loadSettings } from '../../src/config.ts';
import { makeStatus, makeWhy } from '../serve/make-status.ts';

describe('commands/status', () => {
  const text = renderStatus(makeStatus());

  it('shows the agent, what is off, where the data goes, the books, processes and ports', () => {
    for (const part of [
      /^undertrace 1\.2\.3, pid 77, up 1h 2m, attached and draining$/m,
      /^off: iter\/tcp: not on this kernel$/m,
      /^off: probe cpu: \/proc\/stat: ENOENT$/m,
      /^partly off: probe pressure: \/proc\/pressure\/io: ENOENT, \/proc\/pressure\/irq: ENOENT$/m,
      /^configuration: the last reload was refused: a\.yaml:3: no$/m,
      /otlp_http +http:\/\/c:4318\/v1\/traces +1 234 567 +1 +2 .*AWAY: ECONNREFUSED/,
      /^books \(NOT BALANCED/m,
      /records +10 +7 +0 +ring_full 3$/m,
      /spans .* DOES NOT BALANCE$/m,
      /4242 .*shop \(package\.json\) +8080 +http +9 +8 +1 +malformed 1; io_uring: not seen/,
      /tcp 6379 +unrecognised .* 500 +text$/m,
    ]) {
      assert.match(text, part);
    }
  });

  it('shows what is given up to stay within the limits, where there is something', () => {
    assert.match(
      text,
      /^above its limits: step 2 of 4 \(traces; .*\), 0\.46 of 0\.5 cores, 100 000 000 of 268 435 456 bytes$/m,
    );
    const { governor } = makeStatus();
    assert.doesNotMatch(renderStatus(makeStatus({ governor: { ...governor, level: 0 } })), /limits/);
  });

  it('says nothing of probes that lack nothing', () => {
    assert.doesNotMatch(text, /probe load/);
  });

  it('lets no control character of a stranger through', () => {
    assert.ok(!text.includes('\x1b'));
  });

  it('bounds its rows', () => {
    const [process] = makeStatus().processes;
    const many = renderStatus(makeStatus({ processes: Array.from({ length: 100 }, () => process!) }));
    assert.match(many, /and 60 more; --json shows all/);
  });

  it('writes durations in two parts', () => {
    assert.deepEqual([0, 59.9, 61, 90_000, 86_400 * 3].map(durationText), [
      '0s',
      '59s',
      '1m 1s',
      '1d 1h',
      '3d 0h',
    ]);
  });

  it('aligns numbers to the right and leaves out an empty table', () => {
    assert.equal(
      table(
        ['a', 'n'],
        [
          ['x', 5],
          ['yy', 1000],
        ],
      ),
      '  a       n\n  x       5\n  yy  1 000\n',
    );
    assert.equal(table(['a'], []), '');
  });
});

describe('commands/why', () => {
  it('starts with the reasons, then the figures, processes and connections', () => {
    const text = renderWhy(makeWhy({ connectionsKnown: 70 }));
    assert.match(text, /^2 spans were made of 2 exchanges\.\n/);
    assert.match(text, /records 4 \(400 bytes\), exchanges 2, spans 2, lost: nothing/);
    assert.match(text, /4242 +node +\/usr\/bin\/node +shop \(package\.json\) +yes: no exclude rule fits/);
    assert.match(text, /connections \(1 of 70\)\n.*pid/);
  });
});

describe('commands/print-config', () => {
  const effective = loadSettings({
    env: { OTEL_TRACES_SAMPLER: 'always_off' },
    sets: [
      'receivers.undertrace.http.routes=["/a/{id}", "/b: c#", /$$x]',
      'exporters.otlp_http/b.headers={authorization: hunter2}',
    ],
    isTty: false,
  }).effective;
  const text = renderConfig(effective);

  it('is YAML that can be loaded, and gives the same again', () => {
    const again = loadSettings({ configs: [`yaml:${text}`], env: {}, isTty: false });
    const values = (all: typeof effective): unknown => all.map(({ path, value }) => [path, value]);
    assert.deepEqual(values(again.effective), values(effective));
  });

  it('says where each value comes from', () => {
    assert.match(text, /^ {6}name: always_off +# environment OTEL_TRACES_SAMPLER$/m);
    assert.match(text, /^ {4}scan: true +# default$/m);
    assert.match(text, /^ {6}routes: .* # --set$/m);
  });

  it('hides secrets', () => {
    assert.ok(!text.includes('hunter2'));
    assert.equal(
      (parse(text) as { exporters: Record<string, { headers: object }> }).exporters['otlp_http/b']!.headers
        .constructor,
      Object,
    );
  });
});
