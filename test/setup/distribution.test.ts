import assert from 'node:assert/strict';
import { CLANG_FLOOR } from '../../scripts/setup/clang.mjs';
import {
  installCommand,
  missingRequirements,
  packageManager,
  parseOsRelease,
  REQUIREMENTS,
} from '../../scripts/setup/distribution.mjs';

const named = (...names: string[]): typeof REQUIREMENTS =>
  REQUIREMENTS.filter(({ name }) => names.includes(name));

describe('setup/distribution', () => {
  it('reads os-release with and without quotes', () => {
    const text =
      'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID=\'12\'\n# comment\nEMPTY=\n';
    assert.deepEqual(parseOsRelease(text), {
      PRETTY_NAME: 'Debian GNU/Linux 12 (bookworm)',
      ID: 'debian',
      VERSION_ID: '12',
      EMPTY: '',
    });
  });

  it('knows the package manager by name or by parent', () => {
    assert.equal(packageManager({ ID: 'debian' }), 'apt');
    assert.equal(packageManager({ ID: 'ubuntu', ID_LIKE: 'debian' }), 'apt');
    assert.equal(packageManager({ ID: 'linuxmint', ID_LIKE: 'ubuntu debian' }), 'apt');
    assert.equal(packageManager({ ID: 'fedora' }), 'dnf');
    assert.equal(packageManager({ ID: 'rocky', ID_LIKE: 'rhel centos fedora' }), 'dnf');
    assert.equal(packageManager({ ID: 'alpine' }), 'apk');
    assert.equal(packageManager({ ID: 'manjaro', ID_LIKE: 'arch' }), 'pacman');
    assert.equal(packageManager({ ID: 'opensuse-tumbleweed', ID_LIKE: 'opensuse suse' }), 'zypper');
    assert.equal(packageManager({ ID: 'nixos' }), undefined);
    assert.equal(packageManager({}), undefined);
  });

  it('writes the command that installs exactly what is missing', () => {
    const missing = named(`clang ${CLANG_FLOOR} or newer`, 'g++', 'libelf headers');
    const command = (ID: string, root = false): string | undefined =>
      installCommand({ ID }, missing, { root });
    assert.equal(
      command('debian'),
      'sudo apt-get update && sudo apt-get install -y --no-install-recommends clang g++ libelf-dev',
    );
    assert.equal(
      command('debian', true),
      'apt-get update && apt-get install -y --no-install-recommends clang g++ libelf-dev',
    );
    assert.equal(command('fedora'), 'sudo dnf install -y clang gcc-c++ elfutils-libelf-devel');
    assert.equal(command('alpine', true), 'apk add clang g++ elfutils-dev');
    assert.equal(command('arch'), 'sudo pacman -S --needed --noconfirm clang gcc libelf');
    assert.equal(command('opensuse'), 'sudo zypper install -y clang gcc-c++ libelf-devel');
    assert.equal(command('plan9'), undefined);
  });

  it('names a package once that brings two things', () => {
    assert.match(installCommand({ ID: 'arch' }, named('g++', 'gcc'), { root: true }) ?? '', /noconfirm gcc$/);
  });

  it('knows a package for every requirement and manager', () => {
    for (const { name, why, packages } of REQUIREMENTS) {
      assert.ok(why.length > 0, name);
      assert.deepEqual(Object.keys(packages).sort(), ['apk', 'apt', 'dnf', 'pacman', 'zypper'], name);
    }
  });

  it('finds what is missing by command, header and file', () => {
    const packages = { apt: 'p', dnf: 'p', apk: 'p', pacman: 'p', zypper: 'p' };
    const probe = { why: 'test', packages };
    const missing = missingRequirements([
      { ...probe, name: 'there', command: 'sh' },
      { ...probe, name: 'no command', command: 'no-such-command' },
      { ...probe, name: 'no header', header: 'no/such/header.h' },
      { ...probe, name: 'a file', files: ['/no/such/file', '/proc/self/stat'] },
      { ...probe, name: 'no file', files: ['/no/such/file'] },
    ]);
    assert.deepEqual(
      missing.map(({ name }) => name),
      ['no command', 'no header', 'no file'],
    );
  });
});
