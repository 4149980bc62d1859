import { setTimeout as sleep } from 'node:timers/promises';
import type { Home } from '@ringmaster/base';
import { RingmasterError, type WorkerView } from '@ringmaster/protocol';
import type { Client } from '../client.js';
import { note } from '../output.js';
import { endProcesses, isRunning, type Identity } from '../processes.js';
import { workerArguments, type WorkerOptions } from '../worker-options.js';
import { startProcess, untilReady, WORKER_GRACE_MS, type Started } from './launcher.js';
import { viewOfProcess } from './lost.js';
import { readRecords, writeRecords, type ProcessRecord } from './records.js';

/** A worker that is to leave gives the jobs 30 s to do without it, and goes then by itself. */
export const LEAVE_MS = 30_000 + WORKER_GRACE_MS;
const START_MS = 60_000;
/** How long workers of a cluster of this machine go on without a coordinator: one that is killed leaves none behind. */
export const LOCAL_ORPHAN_TIMEOUT = '10s';

/** The workers of one cluster that are started on this machine, and how. */
export interface Crew extends WorkerOptions {
  readonly home: Home;
  readonly client: Client;
  /** Aborted when the user interrupts. */
  readonly signal: AbortSignal;
  /** What was started; it grows as processes are. */
  readonly started: Started[];
}

/**
 * Starts workers, or has some leave in order (those with the highest numbers), until there are `count`, and waits until
 * that is so. Those of a coordinator that is gone are taken over.
 */
export async function scaleTo(crew: Crew, count: number): Promise<void> {
  const present = await presentWorkers(crew);
  const [kept, spare] = [present.slice(0, count), present.slice(count)];
  const fresh = await Promise.all(
    freeNames(present, count - kept.length).map((name) => startWorker(crew, name)),
  );
  for (const worker of kept) {
    if (!(await survives(crew, worker))) fresh.push(await startWorker(crew, worker.name));
  }
  for (const worker of fresh) {
    await untilReady(worker, START_MS, crew.signal, async () => isIn(await viewOf(crew, worker)));
  }
  if (spare.length > 0) await dismiss(crew, spare);
}

/** Starts one more worker and waits until it is registered. @returns the coordinator's id of it */
export async function addWorker(crew: Crew): Promise<string> {
  const [name = ''] = freeNames(await presentWorkers(crew), 1);
  const worker = await startWorker(crew, name);
  await untilReady(worker, START_MS, crew.signal, async () => isIn(await viewOf(crew, worker)));
  return (await viewOf(crew, worker))?.id ?? '';
}

/** Workers that were started here and stay, by number. */
async function presentWorkers({ home, client }: Crew): Promise<ProcessRecord[]> {
  const views = await client.workers();
  return readRecords(home)
    .filter((record) => record.name !== 'coordinator' && isRunning(record))
    .filter((record) => viewOfProcess(views, record)?.state !== 'leaving')
    .sort((a, b) => numberOf(a) - numberOf(b));
}

function numberOf({ name }: Pick<ProcessRecord, 'name'>): number {
  return Number(name.replace('worker-', ''));
}

/** The lowest names that no worker has. */
function freeNames(present: readonly ProcessRecord[], count: number): string[] {
  const taken = new Set(present.map(numberOf));
  const names: string[] = [];
  for (let number = 1; names.length < count; number++)
    if (!taken.has(number)) names.push(`worker-${number}`);
  return names;
}

async function startWorker(crew: Crew, name: string): Promise<Started> {
  const { home, started } = crew;
  const worker = await startProcess(home, name, '@ringmaster/worker/dist/main.js', [
    '--name',
    name,
    ...workerArguments(crew, numberOf({ name })),
  ]);
  started.push(worker);
  return worker;
}

/**
 * Whether a worker that runs is registered; one whose coordinator was replaced finds the new one, or is just giving up.
 */
async function survives(crew: Crew, worker: ProcessRecord): Promise<boolean> {
  // One may have found a coordinator that was started just now before it is looked for.
  let isTakenOver = crew.started.some(({ name }) => name === 'coordinator');
  const deadline = performance.now() + START_MS;
  for (; isRunning(worker); isTakenOver = true) {
    crew.signal.throwIfAborted();
    if (isIn(await viewOf(crew, worker))) {
      if (isTakenOver) note(`${worker.name} was taken over`);
      return true;
    }
    if (performance.now() > deadline) {
      const log = crew.home.logs;
      const reason = `it runs as process ${worker.pid} but does not register`;
      throw new RingmasterError('START_FAILED', { process: worker.name, reason, log });
    }
    await sleep(100);
  }
  return false;
}

/** Has workers leave as soon as jobs can do without them. */
async function dismiss({ home, signal }: Crew, workers: readonly ProcessRecord[]): Promise<void> {
  const left = await endProcesses(workers, LEAVE_MS, signal);
  writeRecords(home, readRecords(home).filter(isRunning));
  if (left.length > 0) {
    const list = left.map(({ pid }) => pid).join(', ');
    throw new RingmasterError('STOP_FAILED', { processes: list });
  }
  for (const { name } of workers) note(`${name} has left`);
}

async function viewOf({ client }: Crew, worker: Identity): Promise<WorkerView | undefined> {
  return viewOfProcess(await client.workers(), worker);
}

function isIn(view: WorkerView | undefined): boolean {
  return view !== undefined && view.state !== 'lost' && view.state !== 'left';
}
