#!/usr/bin/env node
// Installs the clients and servers of the live tests of protocols (test/protocols/<name>/packages.json) which do not come from Debian: from npm, PyPI,
// Maven and Go modules, each set once, into ${XDG_CACHE_HOME:-~/.cache}/undertrace/protocol-<name>-<hash>/. Nothing is installed into the system.
//
//   node scripts/protocol-packages.mjs [NAME ...]    installs, all without names; prints one JSON line: name to {node, python, classpath, go}
//   node scripts/protocol-packages.mjs --check ...   installs nothing; what is not there is left out
//
// packages.json: {"apt": [{"command"|"file", "packages"}], "npm": {name: version}, "pip": ["name==version"], "maven": ["group:artifact:version"],
// "go": "folder with go.mod, one program"}. The apt part is read by scripts/test-setup.mjs.
//
// Needs `npm`, `python3` with pip, `mvn` and `go` as far as they are used. A set that was interrupted leaves nothing: it is moved into place.
// Node built-ins only.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { goEnvironment } from './go-toolchain.mjs';

const PROTOCOLS = fileURLToPath(new URL('../test/protocols/', import.meta.url));
const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'undertrace');
const say = (text) => process.stderr.write(`protocol-packages: ${text}\n`);

function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 2, 2], ...options });
  if (error || status !== 0) throw new Error(`${command} ${args[0]}: ${error?.message ?? `exit ${status}`}`);
}

const INSTALLERS = {
  npm(packages, folder) {
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies: packages }));
    run('npm', ['install', '--silent', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', folder], {
      cwd: folder,
    });
  },
  pip(packages, folder) {
    run('python3', [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      '--target',
      folder,
      ...packages,
    ]);
  },
  maven(packages, folder) {
    const dependencies = packages.map((name) => {
      const [group, artifact, version] = name.split(':');
      return `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`;
    });
    const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>undertrace</groupId>
<artifactId>clients</artifactId><version>1</version><dependencies>${dependencies.join('')}</dependencies></project>`;
    writeFileSync(join(folder, 'pom.xml'), pom);
    run('mvn', ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${folder}`], { cwd: folder });
  },
  go(path, folder, source) {
    run('go', ['build', '-o', folder, '.'], {
      cwd: join(source, path),
      env: { ...process.env, ...goEnvironment(say), CGO_ENABLED: '0' },
    });
  },
};

/** Where the parts of a set are, by the names that the tests use. */
function partsOf(folder, wanted) {
  return {
    ...(wanted.npm && { node: join(folder, 'npm', 'node_modules') }),
    ...(wanted.pip && { python: join(folder, 'pip') }),
    ...(wanted.maven && { classpath: join(folder, 'maven', '*') }),
    ...(wanted.go && { go: join(folder, 'go') }),
  };
}

/** A program in Go is another one when its source is. */
function manifestOf(source, wanted) {
  const hash = createHash('sha256').update(JSON.stringify(wanted));
  if (wanted.go)
    for (const file of readdirSync(join(source, wanted.go)).sort())
      hash.update(readFileSync(join(source, wanted.go, file)));
  return hash.digest('hex').slice(0, 16);
}

function installed(name, check) {
  const source = join(PROTOCOLS, name);
  const { apt: _, ...wanted } = JSON.parse(readFileSync(join(source, 'packages.json'), 'utf8'));
  const folder = join(CACHE, `protocol-${name}-${manifestOf(source, wanted)}`);
  if (!existsSync(folder)) {
    if (check) return undefined;
    mkdirSync(dirname(folder), { recursive: true });
    const aside = mkdtempSync(`${folder}.`);
    try {
      say(`installing what the tests of ${name} need`);
      for (const [kind, packages] of Object.entries(wanted)) {
        mkdirSync(join(aside, kind));
        INSTALLERS[kind](packages, join(aside, kind), source);
      }
      renameSync(aside, folder);
    } catch (error) {
      if (!existsSync(folder)) throw error; // else another one was first
    } finally {
      rmSync(aside, { recursive: true, force: true });
    }
  }
  return partsOf(folder, wanted);
}

const check = process.argv.includes('--check');
const asked = process.argv.slice(2).filter((arg) => !arg.startsWith('-'));
const names = asked.length > 0 ? asked : existsSync(PROTOCOLS) ? readdirSync(PROTOCOLS).sort() : [];
const found = {};
for (const name of names.filter((each) => existsSync(join(PROTOCOLS, each, 'packages.json')))) {
  try {
    const parts = installed(name, check);
    if (parts) found[name] = parts;
  } catch (error) {
    say(`${name}: ${error.message}`);
    process.exitCode = 1;
  }
}
console.log(JSON.stringify(found));
