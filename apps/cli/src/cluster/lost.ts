import { setTimeout as sleep } from 'node:timers/promises';
import { ownIdentity, type Home } from '@ringmaster/base';
import type { WorkerView } from '@ringmaster/protocol';
import type { Client } from '../client.js';
import { readCoordinator } from '../location.js';
import { note } from '../output.js';
import { isRunning, type Identity } from '../processes.js';
import { readRecords, type ProcessRecord } from './records.js';

/** What the coordinator says of a process of this PID namespace that is a worker of it. */
export function viewOfProcess(
  views: readonly WorkerView[],
  { pid, startTime }: Identity,
): WorkerView | undefined {
  const { namespace } = ownIdentity();
  return views.find(
    (view) => view.namespace === namespace && view.pid === pid && view.startTime === startTime,
  );
}

/** How long the coordinator may take to hear of a worker that has ended in order: its process may be gone before that. */
const HEARD_MS = 1000;
const POLL_MS = 20;

/** The workers that the coordinator knows, once it has heard of those of this home that have ended, or a second later. */
export async function settledWorkers(
  home: Home,
  client: Pick<Client, 'workers'>,
): Promise<WorkerView[]> {
  const deadline = performance.now() + HEARD_MS;
  for (;;) {
    const views = await client.workers();
    const isUnheard = (record: ProcessRecord) => {
      const state = viewOfProcess(views, record)?.state;
      return !isRunning(record) && (state === 'alive' || state === 'quarantined');
    };
    if (!readRecords(home).some(isUnheard) || performance.now() > deadline) return views;
    await sleep(POLL_MS);
  }
}

/**
 * Processes that were started in this home and are gone without having been asked to go: killed, or with their machine.
 * @param views The workers that the coordinator knows; null where none answers.
 */
export function lostProcesses(home: Home, views: readonly WorkerView[] | null): ProcessRecord[] {
  // One that ends in order takes its file with it, and its workers have ended with it.
  const wasKilled = views === null && readCoordinator(home) !== null;
  const isLost = (record: ProcessRecord) => {
    if (views === null || record.name === 'coordinator') return wasKilled;
    const state = viewOfProcess(views, record)?.state;
    return state !== 'left' && state !== 'leaving';
  };
  return readRecords(home).filter(
    (record) => !isRunning(record) && (record.lost === true || isLost(record)),
  );
}

/** Tells the user what is gone. */
export function tellLost(lost: readonly ProcessRecord[]): void {
  for (const { name, pid } of lost)
    note(`${name} was lost: process ${pid} has ended without being asked to.`);
}
