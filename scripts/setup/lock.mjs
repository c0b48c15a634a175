/**
 * One set-up at a time in a checkout.
 *
 * The lock is a directory with the holder's pid and start time in it: making a directory succeeds for one only, and a holder that was killed is
 * known by its pid being gone, or being somebody else's by now.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 200;
/** A lock without a name in it is being made, or its maker died at that moment. */
const NAMELESS_MS = 2000;

/** Runs `action` while holding the lock. `onWait` is called once, with the holder's pid, when somebody else has it. */
export async function withLock(path, action, onWait = () => {}) {
  let waited = false;
  let namelessSince = 0;
  while (!tryLock(path)) {
    const holder = readHolder(path);
    if (holder) namelessSince = 0;
    else namelessSince ||= Date.now();
    if (holder ? !isAlive(holder) : Date.now() - namelessSince > NAMELESS_MS) {
      takeAway(path, holder);
      continue;
    }
    if (!waited && holder) onWait(holder.pid);
    waited ||= Boolean(holder);
    await sleep(POLL_MS);
  }
  const release = () => rmSync(path, { recursive: true, force: true });
  process.once('exit', release);
  try {
    return await action();
  } finally {
    process.removeListener('exit', release);
    release();
  }
}

function tryLock(path) {
  try {
    mkdirSync(path);
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
  writeFileSync(join(path, 'holder'), JSON.stringify({ pid: process.pid, started: startTime(process.pid) }));
  return true;
}

function readHolder(path) {
  try {
    return JSON.parse(readFileSync(join(path, 'holder'), 'utf8'));
  } catch {
    return undefined; // gone meanwhile, or not written yet
  }
}

function isAlive({ pid, started }) {
  const now = startTime(pid);
  return now !== undefined && now === started;
}

/** Field 22 of /proc/PID/stat; the name in field 2 may hold blanks and brackets. */
function startTime(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined; // no such process
  }
}

/** Renaming succeeds for one of several that found the holder dead; a lock that changed hands in between is given back. */
function takeAway(path, holder) {
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch {
    return; // another one was faster
  }
  const found = readHolder(aside);
  if (found && isAlive(found) && found.pid !== holder?.pid) renameSync(aside, path);
  else rmSync(aside, { recursive: true, force: true });
}
