import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { COMPOSE, readCompose, unitCapabilities } from '../support/deployment.ts';
import { findGoProgram } from '../support/go-program.ts';
import { inCheckout, lacking } from '../support/programs.ts';

/** What may be without a health check, and why. */
const UNCHECKED: Readonly<Record<string, string>> = {
  agent: 'the image has one',
  collector: 'the image holds nothing that could ask',
  visitor: 'it serves nothing',
};
const read = (...path: string[]): string => readFileSync(inCheckout(...path), 'utf8');

describe('stack/compose', function () {
  this.timeout(900_000); // the first run builds Docker Compose
  const { services, volumes } = readCompose();

  it('is understood by Docker Compose, with the demo and without', function () {
    const found = findGoProgram('build-compose.mjs', 'Docker Compose');
    if ('missing' in found) lacking(this, found.missing);
    const servicesOf = (...args: string[]): string[] => {
      const { status, stdout, stderr } = spawnSync(
        found.binary,
        ['-f', COMPOSE, ...args, 'config', '--services'],
        { encoding: 'utf8' },
      );
      assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
      return stdout.trim().split('\n').sort();
    };
    const names = Object.keys(services).sort();
    assert.deepEqual(servicesOf('--profile', 'demo'), names);
    assert.deepEqual(
      servicesOf(),
      names.filter((name) => services[name]!.profiles === undefined),
    );
  });

  it('pins every image, to the versions that the tests run where they run them', () => {
    for (const [name, { image }] of Object.entries(services))
      assert.match(image, /:v?\d+\.\d+\.\d+(?:-[\w-]+)?$/, name);
    const [, collector] = /VERSION = '(.+)'/.exec(read('scripts', 'build-collector.mjs'))!;
    assert.ok(services.collector!.image.endsWith(`:${collector}`));
    // The module of Jaeger 2.13 has the number of the Jaeger 1 that was released with it.
    const [, minor] = /VERSION = '1\.(\d+)\.0'/.exec(read('scripts', 'build-jaeger.mjs'))!;
    assert.ok(services.jaeger!.image.endsWith(`:2.${Number(minor) - 63}.0`));
    const [, version] = /"version": "(.+)"/.exec(read('package.json'))!;
    assert.ok(services.agent!.image.endsWith(`:${version}`));
    const [, base] = /NODE_IMAGE=(\S+)/.exec(read('Dockerfile'))!;
    assert.equal(services.app!.image, base);
  });

  it('gives the agent the capabilities that the unit gives it', () => {
    assert.deepEqual(services.agent!.cap_add!.map((name) => `CAP_${name}`).sort(), unitCapabilities().sort());
  });

  it('gives nobody a right or a file without saying why', () => {
    const lines = readFileSync(COMPOSE, 'utf8').split('\n');
    for (const [name, { cap_drop: dropped }] of Object.entries(services))
      assert.deepEqual(dropped, ['ALL'], name);
    for (const [i, line] of lines.entries())
      if (/^ {6}- (?:[A-Z_]+|\.?\S*:\/\S+)$/.test(line) && !/^ {6}- SETGID$/.test(line))
        assert.match(lines[i - 1]!, /^ {6}# /, `line ${i + 1}: ${line}`);
  });

  it('mounts what there is, publishes on loopback alone, and knows when each is well', () => {
    for (const [name, service] of Object.entries(services)) {
      for (const mount of service.volumes ?? []) {
        const [source, , mode] = mount.split(':') as [string, string, string?];
        if (source.startsWith('./')) {
          assert.ok(existsSync(inCheckout(source)), `${name}: ${source}`);
          assert.equal(mode, 'ro', `${name}: ${source}`);
        } else assert.ok(source in volumes, `${name}: ${source}`);
      }
      for (const port of service.ports ?? []) assert.match(port, /^127\.0\.0\.1:/, name);
      assert.equal(service.healthcheck === undefined, name in UNCHECKED, name);
    }
  });

  it('gives the image all that it is built from', () => {
    const sent = [...read('.dockerignore').matchAll(/^!(.+)$/gm)].map(([, path]) => path!);
    for (const path of sent) assert.ok(existsSync(inCheckout(path)), path);
    // What the set-up says it makes things of (scripts/setup/steps.mjs).
    for (const input of ['bpf', 'native', 'src', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json'])
      assert.ok(sent.includes(input), input);
  });
});
