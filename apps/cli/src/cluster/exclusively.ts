import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  explaining,
  makeHomeDirectory,
  ownIdentity,
  runsHere,
  systemCode,
  type Home,
} from '@ringmaster/base';
import { processIdentitySchema, type ProcessIdentity } from '@ringmaster/protocol';
import { note } from '../output.js';

const POLL_MS = 100;
const PATIENCE_MS = 2000;
/** Age of a lock whose owner cannot be looked for, at which that is taken to be gone: starting takes less. */
const STALE_MS = 180_000;

/** Name of the file in a home while a command starts something there. */
export const LOCK = 'starting.lock';

/**
 * Does something in a home, which it makes, while no other command that goes through here does: each finds what the one
 * before has started. One that was killed holds up nobody.
 * @throws the reason of `signal`, HOME_NOT_WRITABLE, DISK_FULL
 */
export async function exclusively<Result>(
  home: Home,
  signal: AbortSignal,
  work: () => Promise<Result>,
): Promise<Result> {
  const path = join(home.root, LOCK);
  const began = performance.now();
  let isTold = false;
  while (!tryToTake(home, path)) {
    signal.throwIfAborted();
    if (!isTold && performance.now() - began > PATIENCE_MS) {
      note('Another command is starting something here; it is waited for.');
      isTold = true;
    }
    await sleep(POLL_MS);
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

function tryToTake(home: Home, path: string): boolean {
  return explaining(home.root, () => {
    makeHomeDirectory(home.root, 0o700);
    try {
      writeFileSync(path, JSON.stringify(ownIdentity()), { flag: 'wx', mode: 0o600 });
      return true;
    } catch (error) {
      // Another holds it, or has just removed the home again, of which nothing is to be left.
      if (systemCode(error) !== 'EEXIST' && systemCode(error) !== 'ENOENT') throw error;
    }
    const found = ownerOf(path);
    if (found?.isGone !== true) return false;
    // Whoever else finds the same takes it away at the same time, and then there may be a new one: of that hands are kept.
    const aside = `${path}.${process.pid}`;
    try {
      renameSync(path, aside);
      if (readFileSync(aside, 'utf8') === found.text) rmSync(aside);
      else renameSync(aside, path);
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error;
    }
    return false;
  });
}

function ownerOf(path: string): { readonly text: string; readonly isGone: boolean } | null {
  try {
    const text = readFileSync(path, 'utf8');
    const owner = identityIn(text);
    const isOld = Date.now() - statSync(path).mtimeMs > STALE_MS;
    const isOurs = owner?.namespace === ownIdentity().namespace;
    return { text, isGone: isOurs ? !runsHere(owner) : isOld };
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    return null;
  }
}

/** Whoever wrote this; null of what is half written. */
function identityIn(text: string): ProcessIdentity | null {
  try {
    return processIdentitySchema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}
