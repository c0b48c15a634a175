/** What the build needs from the machine, and the command that installs it on each family of distributions. */
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { CLANG_FLOOR, findClang } from './clang.mjs';

/**
 * What counts is that the tool or header is there, whoever put it there: a machine may have clang from elsewhere than its
 * distribution. `packages` names what brings it, by package manager.
 */
export const REQUIREMENTS = [
  {
    name: `clang ${CLANG_FLOOR} or newer`,
    why: 'compiles the programs that run in the kernel',
    isThere: () => findClang() !== undefined,
    packages: { apt: 'clang', dnf: 'clang', apk: 'clang', pacman: 'clang', zypper: 'clang' },
  },
  {
    name: 'llvm-strip',
    why: 'takes debug information out of them',
    isThere: () => isInPath('llvm-strip') || findClang()?.llvmStrip.includes('/'),
    packages: { apt: 'llvm', dnf: 'llvm', apk: 'llvm', pacman: 'llvm', zypper: 'llvm' },
  },
  {
    name: 'make',
    why: 'runs the compilers',
    command: 'make',
    packages: { apt: 'make', dnf: 'make', apk: 'make', pacman: 'make', zypper: 'make' },
  },
  {
    name: 'g++',
    why: 'compiles the addon',
    command: 'g++',
    packages: { apt: 'g++', dnf: 'gcc-c++', apk: 'g++', pacman: 'gcc', zypper: 'gcc-c++' },
  },
  {
    name: 'gcc',
    why: 'compiles libbpf',
    command: 'cc',
    packages: { apt: 'gcc', dnf: 'gcc', apk: 'gcc', pacman: 'gcc', zypper: 'gcc' },
  },
  {
    name: 'tar',
    why: 'unpacks libbpf',
    command: 'tar',
    packages: { apt: 'tar', dnf: 'tar', apk: 'tar', pacman: 'tar', zypper: 'tar' },
  },
  {
    name: 'gzip',
    why: 'unpacks libbpf',
    command: 'gzip',
    packages: { apt: 'gzip', dnf: 'gzip', apk: 'gzip', pacman: 'gzip', zypper: 'gzip' },
  },
  {
    name: 'libelf headers',
    why: 'libbpf reads ELF files with it',
    header: 'gelf.h',
    packages: {
      apt: 'libelf-dev',
      dnf: 'elfutils-libelf-devel',
      apk: 'elfutils-dev',
      pacman: 'libelf',
      zypper: 'libelf-devel',
    },
  },
  {
    name: 'zlib headers',
    why: 'libbpf reads compressed files with it',
    header: 'zlib.h',
    packages: { apt: 'zlib1g-dev', dnf: 'zlib-devel', apk: 'zlib-dev', pacman: 'zlib', zypper: 'zlib-devel' },
  },
  {
    name: 'kernel headers for user space',
    why: 'types that the kernel and we share',
    header: 'asm/types.h',
    packages: {
      apt: 'linux-libc-dev',
      dnf: 'kernel-headers',
      apk: 'linux-headers',
      pacman: 'linux-api-headers',
      zypper: 'linux-glibc-devel',
    },
  },
  {
    name: 'CA certificates',
    why: 'downloads over TLS',
    files: [
      '/etc/ssl/certs/ca-certificates.crt',
      '/etc/pki/tls/certs/ca-bundle.crt',
      '/etc/ssl/ca-bundle.pem',
      '/etc/ssl/cert.pem',
    ],
    packages: {
      apt: 'ca-certificates',
      dnf: 'ca-certificates',
      apk: 'ca-certificates',
      pacman: 'ca-certificates',
      zypper: 'ca-certificates',
    },
  },
];

const INSTALL = {
  apt: (sudo, packages) =>
    `${sudo}apt-get update && ${sudo}apt-get install -y --no-install-recommends ${packages}`,
  dnf: (sudo, packages) => `${sudo}dnf install -y ${packages}`,
  apk: (sudo, packages) => `${sudo}apk add ${packages}`,
  pacman: (sudo, packages) => `${sudo}pacman -S --needed --noconfirm ${packages}`,
  zypper: (sudo, packages) => `${sudo}zypper install -y ${packages}`,
};

/** By ID of os-release(5); derivatives name their parents in ID_LIKE. */
const MANAGERS = {
  debian: 'apt',
  ubuntu: 'apt',
  fedora: 'dnf',
  rhel: 'dnf',
  centos: 'dnf',
  amzn: 'dnf',
  alpine: 'apk',
  arch: 'pacman',
  suse: 'zypper',
  opensuse: 'zypper',
  'opensuse-leap': 'zypper',
  'opensuse-tumbleweed': 'zypper',
  sles: 'zypper',
};

/** os-release(5): lines of NAME=value, the value perhaps in quotes. */
export function parseOsRelease(text) {
  const fields = {};
  for (const line of text.split('\n')) {
    const match = /^([A-Z_0-9]+)=(["']?)(.*)\2\s*$/.exec(line);
    if (match) fields[match[1]] = match[3];
  }
  return fields;
}

export function readOsRelease() {
  const path = ['/etc/os-release', '/usr/lib/os-release'].find((each) => existsSync(each));
  return path ? parseOsRelease(readFileSync(path, 'utf8')) : {};
}

/** 'apt', 'dnf', 'apk', 'pacman' or 'zypper'; undefined for a distribution that is none of theirs. */
export function packageManager(osRelease) {
  const names = [osRelease.ID ?? '', ...(osRelease.ID_LIKE ?? '').split(/\s+/)];
  return names.map((name) => MANAGERS[name]).find((manager) => manager !== undefined);
}

/** The command a user runs to get what is missing; undefined where the package manager is not known. */
export function installCommand(osRelease, missing, { root }) {
  const manager = packageManager(osRelease);
  if (!manager) return undefined;
  return INSTALL[manager](root ? '' : 'sudo ', packageNames(manager, missing).join(' '));
}

export function packageNames(manager, missing) {
  return [...new Set(missing.map(({ packages }) => packages[manager]))];
}

export function missingRequirements(requirements = REQUIREMENTS) {
  return requirements.filter(({ isThere, command, header, files }) => {
    if (isThere) return !isThere();
    if (command) return !isInPath(command);
    if (header) return !includeDirectories().some((directory) => existsSync(join(directory, header)));
    return !files.some((file) => existsSync(file));
  });
}

function isInPath(command) {
  return (process.env.PATH ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, command), constants.X_OK);
      return true;
    } catch {
      return false; // the next directory may have it
    }
  });
}

function includeDirectories() {
  const triplet = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' }[process.arch];
  return ['/usr/include', `/usr/include/${triplet}`, '/usr/local/include'];
}
