import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { UNIT, unitCapabilities } from '../support/deployment.ts';
import { findCommand, inCheckout, needMachine } from '../support/programs.ts';

/** systemd's own figure for what a service may do, from 0 to 10 (systemd-analyze security); what is left is what tracing takes. */
const MOST_EXPOSED = 4;

describe('stack/unit', function () {
  this.timeout(30_000);
  const text = readFileSync(UNIT, 'utf8');

  /** Skips where systemd is not there. */
  function analyze(context: Mocha.Context, ...args: string[]): string {
    const command = findCommand('systemd-analyze');
    needMachine(context, command !== undefined, 'systemd-analyze is not here: no systemd');
    const { status, stdout, stderr } = spawnSync(command!, args, { encoding: 'utf8' });
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' }, `systemd-analyze ${args.join(' ')}`);
    return stdout;
  }

  it('is what systemd finds no fault with', function () {
    analyze(this, 'verify', '--man=no', UNIT);
  });

  it('leaves the agent no more than it needs', function () {
    const report = analyze(this, 'security', '--offline=true', '--no-pager', UNIT);
    const [, level] = /Overall exposure level for undertrace\.service: ([\d.]+)/.exec(report)!;
    assert.ok(Number(level) <= MOST_EXPOSED, `exposed by ${level}`);
  });

  it('says of each capability what it is for', () => {
    for (const name of unitCapabilities()) assert.match(text, new RegExp(`^# +${name} +\\w`, 'm'));
  });

  it('comes with an example of settings that there are', () => {
    const docs = readFileSync(inCheckout('docs', 'config.md'), 'utf8');
    const names = [
      ...readFileSync(inCheckout('deploy', 'undertrace.env.example'), 'utf8').matchAll(/^#?(OTEL_\w+)=/gm),
    ];
    assert.ok(names.length > 0);
    for (const [, name] of names) assert.ok(docs.includes(`\`${name}\``), name);
    assert.match(text, /^EnvironmentFile=-\/etc\/default\/undertrace$/m);
  });
});
