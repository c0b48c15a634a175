import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readlink, stat } from 'node:fs/promises';

import type { ProcessFacts } from './facts.ts';
import { type WantedFile, directoryOf, wantedFiles } from './launch.ts';
import { readZipEntry } from './zip-entry.ts';

/** A package.json larger than this is not a hand-written one. */
const FILE_MAX = 262_144;
const MANIFEST_MAX = 65_536;
/** How far up from the script a package.json is looked for. */
const LEVELS = 8;
const LINKS = 16;
const VALUE_MAX = 200;
/** Cgroup paths of processes whose root is not ours. */
const CONTAINER = /[0-9a-f]{32}|\/lxc|kubepods|libpod|machine-/;
const MANIFEST_KEYS = ['Main-Class', 'Start-Class', 'Implementation-Title', 'Implementation-Version'];
/** Non-blocking, so that a FIFO put in the file's place in between does not hold a thread; no controlling terminal; no link. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY | constants.O_NOFOLLOW;

/**
 * Facts that stand in files: `package.name` and `package.version` of a Node program, `manifest.*` of a jar. Undefined where the arguments
 * ask for none; else always an answer, an empty one if need be, so that nobody waits for it.
 *
 * The file is looked for in the process's own root, and in ours where the process is gone and was in no container: else it would be
 * another program's file of that name. Links are resolved inside that root, by
 * hand: the kernel would follow an absolute link in a container to a file of the host. Only regular files are opened.
 */
export async function lateFacts(
  tgid: number,
  facts: ProcessFacts,
  options: { procRoot?: string } = {},
): Promise<ProcessFacts | undefined> {
  const wanted = wantedFiles(facts);
  if (wanted.length === 0) return undefined;
  const files: Record<string, string> = {};
  const root = await rootOf(`${options.procRoot ?? '/proc'}/${tgid}/root`, facts);
  if (root === undefined) return { source: 'late', files };
  for (const file of wanted) Object.assign(files, await readWanted(root, file));
  return { source: 'late', files };
}

async function rootOf(own: string, facts: ProcessFacts): Promise<string | undefined> {
  try {
    await stat(`${own}/`);
    return own;
  } catch {
    return CONTAINER.test(facts.cgroup ?? '') ? undefined : '';
  }
}

async function readWanted(root: string, wanted: WantedFile): Promise<Record<string, string> | undefined> {
  if (wanted.kind === 'package.json') return readPackage(root, wanted.directory);
  return withFile(root, wanted.path, async (file, size) => {
    const bytes =
      wanted.kind === 'jar'
        ? await readZipEntry(file, size, 'META-INF/MANIFEST.MF')
        : await readWhole(file, Math.min(size, MANIFEST_MAX));
    return bytes && parseManifest(bytes.toString('utf8'));
  });
}

/** The nearest package.json upward that has a name; those of a mere `{"type": "module"}` are passed. */
async function readPackage(root: string, directory: string): Promise<Record<string, string> | undefined> {
  let level = directory;
  for (let n = 0; n < LEVELS; n++) {
    const path = level === '/' ? '/package.json' : `${level}/package.json`;
    const found = await withFile(root, path, async (file, size) => {
      return size <= FILE_MAX ? parsePackage((await readWhole(file, size)).toString('utf8')) : undefined;
    });
    if (found !== undefined) return found;
    if (level === '/') return undefined;
    level = directoryOf(level);
  }
  return undefined;
}

function parsePackage(text: string): Record<string, string> | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined; // not a package.json after all
  }
  if (typeof json !== 'object' || json === null) return undefined;
  const { name, version } = json as { name?: unknown; version?: unknown };
  if (typeof name !== 'string' || name === '') return undefined;
  const found: Record<string, string> = { 'package.name': name.slice(0, VALUE_MAX) };
  if (typeof version === 'string') found['package.version'] = version.slice(0, VALUE_MAX);
  return found;
}

/** Main section of a jar manifest: `Key: value`, a line that starts with a blank goes on. */
function parseManifest(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  const main = text.replace(/\r\n?/g, '\n').split('\n\n', 1)[0]!.replace(/\n /g, '');
  for (const line of main.split('\n')) {
    const colon = line.indexOf(': ');
    const key = line.slice(0, colon);
    if (colon > 0 && MANIFEST_KEYS.includes(key)) {
      found[`manifest.${key}`] = line
        .slice(colon + 2)
        .trim()
        .slice(0, VALUE_MAX);
    }
  }
  return found;
}

async function readWhole(file: FileHandle, size: number): Promise<Buffer> {
  const buffer = Buffer.alloc(size);
  const { bytesRead } = await file.read(buffer, 0, size, 0);
  return buffer.subarray(0, bytesRead);
}

async function withFile<T>(
  root: string,
  path: string,
  use: (file: FileHandle, size: number) => Promise<T | undefined>,
): Promise<T | undefined> {
  let file: FileHandle | undefined;
  try {
    const resolved = await resolveInside(root, path);
    if (resolved === undefined || !(await lstat(resolved)).isFile()) return undefined;
    file = await open(resolved, OPEN_FLAGS);
    const opened = await file.stat();
    return opened.isFile() ? await use(file, opened.size) : undefined;
  } catch {
    return undefined; // gone, or not ours to read: the name is then taken from what is known
  } finally {
    await file?.close();
  }
}

/** `path` below `root` with all links followed as a process with that root would. */
async function resolveInside(root: string, path: string): Promise<string | undefined> {
  let links = 0;
  let todo = path.split('/').filter((part) => part !== '');
  let done: string[] = [];
  while (todo.length > 0) {
    const part = todo.shift()!;
    if (part === '.') continue;
    if (part === '..') {
      done.pop();
      continue;
    }
    const here = `${root}/${[...done, part].join('/')}`;
    if (!(await lstat(here)).isSymbolicLink()) {
      done.push(part);
      continue;
    }
    if (++links > LINKS) return undefined;
    const target = await readlink(here);
    if (target.startsWith('/')) done = [];
    todo = [...target.split('/').filter((step) => step !== ''), ...todo];
  }
  return `${root}/${done.join('/')}`;
}
