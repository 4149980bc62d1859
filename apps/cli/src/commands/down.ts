import { rmSync } from 'node:fs';
import { counted, ringmasterHome, runsHere, type Home } from '@ringmaster/base';
import { Option, type Command } from 'commander';
import { RingmasterError, type WorkerView } from '@ringmaster/protocol';
import { duration } from '../arguments.js';
import { Client } from '../client.js';
import { takeDownHosts } from '../cluster/hosts/hosts.js';
import { WORKER_GRACE_MS } from '../cluster/launcher.js';
import { lostProcesses, settledWorkers, tellLost } from '../cluster/lost.js';
import { runningMember } from '../cluster/member.js';
import { readRecords, writeRecords, type ProcessRecord } from '../cluster/records.js';
import { LEAVE_MS } from '../cluster/workers.js';
import { inHome, readCoordinator } from '../location.js';
import { note, printJson } from '../output.js';
import {
  endProcesses,
  isRunning,
  untilGone,
  withDescendants,
  type Identity,
} from '../processes.js';
import { homeOption, jsonOption, type HomeOption } from '../verb.js';

interface DownOptions extends HomeOption {
  readonly timeout: number;
  readonly now?: true;
  readonly json?: true;
}

const SAVE_MS = 120_000;
/** Once jobs have saved their state, a coordinator waits up to 20 s for its workers. */
const FAREWELL_MS = 25_000;
/** How long jobs save their state before that is told. */
const PATIENCE_MS = 2000;

export function define(verb: Command): void {
  jsonOption(homeOption(verb))
    .addOption(
      new Option('--timeout <time>', 'how long jobs may take to save their state')
        .argParser(duration)
        .default(SAVE_MS, '2m'),
    )
    .addOption(
      new Option(
        '--now',
        'do not wait for that: jobs go on from their newest checkpoints',
      ).conflicts('timeout'),
    )
    .addHelpText(
      'after',
      '\nJobs that run save their state first, and go on from there. A cluster that does not run is no error.',
    )
    .action(down);
}

async function down({ home: directory, ...options }: DownOptions): Promise<void> {
  const home = ringmasterHome(directory);
  await downHere(home, options);
  await takeDownHosts(home);
}

async function downHere(home: Home, { timeout, now, json }: DownOptions): Promise<void> {
  const client = new Client(inHome(home));
  const answers = await client.isAlive();
  const views = answers ? await settledWorkers(home, client) : null;
  const lost = lostProcesses(home, views);
  tellLost(lost.filter((record) => record.lost !== true));
  const roots = [...recordedProcesses(home), ...(views === null ? [] : announced(home, views))];
  const processes = withDescendants(roots);
  if (processes.length === 0 && !answers) {
    forget(home, lost);
    if (json) printJson({ ended: 0 });
    else note('Nothing runs here.');
    return;
  }
  if (answers) {
    const saveMs = now === true ? 0 : timeout;
    await client.shutdown(saveMs / 1000);
    const impatience = setTimeout(() => {
      note('Jobs save their state. To end them without: ringmaster down --now');
    }, PATIENCE_MS);
    await untilGone(processes, saveMs + FAREWELL_MS);
    clearTimeout(impatience);
  }
  // A worker whose coordinator is gone has its trainers save what they hold, so it is asked before they are.
  const isMember = roots.some(({ pid }) => pid === runningMember(home)?.pid);
  await endProcesses(roots.filter(isRunning), isMember ? LEAVE_MS : WORKER_GRACE_MS);
  const left = await endProcesses(processes.filter(isRunning), WORKER_GRACE_MS);
  if (left.length > 0) {
    const list = left.map(({ pid }) => pid).join(', ');
    throw new RingmasterError('STOP_FAILED', { processes: list });
  }
  forget(home, lost);
  if (json) printJson({ ended: processes.length });
  else note(`Ended ${counted(processes.length, 'process', 'processes')}.`);
}

/** What `up` started here and still runs. */
function recordedProcesses(home: Home): Identity[] {
  return readRecords(home).filter(isRunning);
}

/**
 * The coordinator that answers, and its workers, whoever started them, as far as they are processes of this PID
 * namespace. Others end because the coordinator asks them to.
 */
function announced(home: Home, views: readonly WorkerView[]): Identity[] {
  const workers = views.filter(({ state }) => state !== 'left');
  const coordinator = readCoordinator(home);
  return [...(coordinator === null ? [] : [coordinator]), ...workers]
    .filter(runsHere)
    .map(({ pid, startTime }) => ({ pid, startTime }));
}

/** Nothing runs any more: what says so would be taken for true. What was lost is told by the next start too. */
function forget(home: Home, lost: readonly ProcessRecord[]): void {
  try {
    writeRecords(
      home,
      lost.map((record) => ({ ...record, lost: true as const })),
    );
  } catch (error) {
    // On a full disk it has been told once.
    if (!RingmasterError.is(error, 'DISK_FULL', 'HOME_NOT_WRITABLE')) throw error;
    writeRecords(home, []);
  }
  rmSync(home.coordinator, { force: true });
}
