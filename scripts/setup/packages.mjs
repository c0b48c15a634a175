import { existsSync, readdirSync } from 'node:fs';
import { CLANG_FLOOR, findClang } from './clang.mjs';
import {
  installCommand,
  missingRequirements,
  packageManager,
  packageNames,
  readOsRelease,
} from './distribution.mjs';
import { run, StepError } from './run.mjs';

const APT_LISTS = '/var/lib/apt/lists';
/** Another apt may be at work, above all after the first boot of a cloud machine. */
const APT_OPTIONS = ['-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=3'];

/** Installs what is missing where it may: as root, with apt. Else says what to run. */
export async function installPackages(log) {
  const missing = missingRequirements();
  const osRelease = readOsRelease();
  const root = process.getuid() === 0;
  const command = installCommand(osRelease, missing, { root });
  const list = missing.map(({ name, why }) => `${name} (${why})`).join('\n');
  if (!command) {
    throw new StepError(`${osRelease.PRETTY_NAME ?? 'this system'} lacks what the build needs`, {
      output: list,
      remedy: 'Install these with the package manager of this system, then start again.',
    });
  }
  if (packageManager(osRelease) !== 'apt' || !root || !existsSync('/usr/bin/apt-get')) {
    throw new StepError('the build needs packages that only you can install', {
      output: list,
      remedy: `Run this, then start again:\n\n  ${command}\n`,
    });
  }
  await aptInstall(packageNames('apt', missing), command, log);
  if (!findClang()) await aptInstall(await newestClang(log), command, log);
  const still = missingRequirements();
  if (still.length > 0) {
    throw new StepError(`still missing after the installation: ${still.map(({ name }) => name).join(', ')}`, {
      remedy: `See ${log}.`,
    });
  }
}

async function aptInstall(packages, command, log) {
  const universe =
    readOsRelease().ID === 'ubuntu' ? 'clang is in the component universe: add-apt-repository universe.' : '';
  const options = {
    log,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' },
    remedy: `Run this and see what it says:\n\n  ${command}\n\n${universe}`.trimEnd(),
  };
  const update = () => run('apt-get', ['update', '-q', ...APT_OPTIONS], options);
  const install = () =>
    run('apt-get', ['install', '-q', '-y', '--no-install-recommends', ...APT_OPTIONS, ...packages], options);
  if (!hasAptLists()) await update();
  try {
    await install();
  } catch {
    // Old lists name versions that the mirror no longer has: the second failure is the one that counts.
    await update();
    await install();
  }
}

/** What an older distribution has beside the one that it calls `clang`. */
async function newestClang(log) {
  const names = await run('apt-cache', ['pkgnames', 'clang-'], { log });
  const versions = names.split('\n').map((name) => Number(/^clang-(\d+)$/.exec(name)?.[1] ?? 0));
  const newest = Math.max(...versions);
  if (newest < CLANG_FLOOR) {
    throw new StepError(`this distribution has no clang ${CLANG_FLOOR} or newer`, {
      remedy: 'Install one from https://apt.llvm.org, then start again.',
    });
  }
  return [`clang-${newest}`, `llvm-${newest}`];
}

function hasAptLists() {
  return existsSync(APT_LISTS) && readdirSync(APT_LISTS).some((name) => name.includes('_Packages'));
}
