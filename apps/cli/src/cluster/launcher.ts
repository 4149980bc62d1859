import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Home } from '@ringmaster/base';
import { errors, isErrorCode, RingmasterError } from '@ringmaster/protocol';
import { RemoteFailure } from '../failure.js';
import { endProcesses, identify, isRunning, withDescendants, type Identity } from '../processes.js';
import { programPath } from '../program.js';
import { readRecords, writeRecords, type ProcessRecord } from './records.js';

/** A program of the cluster that runs in the background and outlives this command. */
export interface Started extends ProcessRecord {
  /** What the process wrote on stdout and stderr since it was started. */
  readonly log: string;
  readonly logStart: number;
}

/** What a worker may need to end: five seconds for its trainers to save their state, three to end them. */
export const WORKER_GRACE_MS = 10_000;
const POLL_MS = 50;

/**
 * Starts `node program args…` as a detached process, and records it under the home. One that cannot be recorded would
 * never be ended by `down`, so it is ended at once.
 */
export async function startProcess(
  home: Home,
  name: string,
  program: string,
  args: readonly string[],
): Promise<Started> {
  const log = join(home.logs, `${name}.log`);
  const file = openSync(log, 'a');
  const logStart = statSync(log).size;
  let identity: Identity | null;
  try {
    const main = programPath(program);
    const child = spawn(process.execPath, [main, '--home', home.root, ...args], {
      cwd: home.root,
      detached: true,
      stdio: ['ignore', file, file],
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    identity = child.pid === undefined ? null : identify(child.pid);
    child.unref();
  } finally {
    closeSync(file);
  }
  const started = {
    name,
    pid: identity?.pid ?? 0,
    startTime: identity?.startTime ?? 0,
    args: [...args],
  };
  const others = readRecords(home).filter((record) => record.name !== name);
  try {
    writeRecords(home, [...others, started]);
  } catch (error) {
    await endProcesses([started], 0);
    throw error;
  }
  return { ...started, log, logStart };
}

/**
 * Does something that starts processes, and ends those when the rest fails.
 * @param work puts what it starts into the list that it is given, at once
 */
export async function endingWhatStarted(
  home: Home,
  work: (started: Started[]) => Promise<void>,
): Promise<void> {
  const started: Started[] = [];
  try {
    await work(started);
  } catch (error) {
    await endProcesses(withDescendants(started), WORKER_GRACE_MS);
    const names = started.map(({ name }) => name);
    writeRecords(
      home,
      readRecords(home).filter(({ name }) => !names.includes(name)),
    );
    throw error;
  }
}

/**
 * Waits until `isThere`, while the process lives.
 * @throws START_FAILED when it dies or takes longer than `timeoutMs`; the error that it died with, if it named one.
 */
export async function untilReady(
  started: Started,
  timeoutMs: number,
  signal: AbortSignal,
  isThere: () => Promise<boolean>,
): Promise<void> {
  const { name, log } = started;
  const deadline = performance.now() + timeoutMs;
  while (!(await isThere())) {
    signal.throwIfAborted();
    if (!isRunning(started)) throw deathOf(started);
    if (performance.now() > deadline) {
      const reason = `it is not ready after ${timeoutMs / 1000} s`;
      throw new RingmasterError('START_FAILED', { process: name, reason, log });
    }
    await sleep(POLL_MS);
  }
}

/** What a dead process said last, which is one of the known errors when all went as it should. */
function deathOf({ name, log, logStart }: Started): Error {
  const lines = readFileSync(log)
    .subarray(logStart)
    .toString()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('{'));
  for (const line of lines.toReversed()) {
    const match = /^(?:ringmaster worker: )?([A-Z][A-Z_]+): (.*)$/.exec(line);
    const [, code = '', text = ''] = match ?? [];
    if (code === 'USAGE') return new RingmasterError('USAGE', { reason: text });
    if (!isErrorCode(code)) continue;
    const { remedy } = errors[code];
    return new RemoteFailure({ code, remedy, message: text.replace(`. ${remedy}`, '') });
  }
  const reason = lines.at(-1) ?? 'it ended without a word';
  return new RingmasterError('START_FAILED', { process: name, reason, log });
}
