import { rmSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Command } from 'commander';
import { RingmasterError, ringmasterHome, type Home } from '@ringmaster/protocol';
import { Client } from '../client.js';
import { readRecords, removeRecords } from '../cluster/records.js';
import { inHome, readCoordinator } from '../location.js';
import { note } from '../output.js';
import {
  endProcesses,
  identify,
  isRunning,
  serves,
  untilGone,
  withDescendants,
  type Identity,
} from '../processes.js';
import { homeOption, type HomeOption } from '../verb.js';

/** A coordinator waits up to 20 s for its workers, which may be writing. */
const FAREWELL_MS = 25_000;
/** A worker may need three seconds to end its trainers. */
const GRACE_MS = 6000;

export function define(verb: Command): void {
  homeOption(verb).addHelpText('after', '\nA cluster that does not run is no error.').action(down);
}

async function down(options: HomeOption): Promise<void> {
  const home = ringmasterHome(options.home);
  const client = new Client(inHome(home));
  const answering = await client.isReady();
  const roots = [...recordedProcesses(home), ...(answering ? await announced(home, client) : [])];
  const processes = withDescendants(roots);
  if (processes.length === 0) {
    forget(home);
    note('Nothing runs here.');
    return;
  }
  if (answering) {
    await client.shutdown();
    await untilGone(processes, FAREWELL_MS);
  }
  const left = await endProcesses(processes.filter(isRunning), GRACE_MS);
  if (left.length > 0) {
    const list = left.map(({ pid }) => pid).join(', ');
    throw new RingmasterError('STOP_FAILED', { processes: list });
  }
  forget(home);
  note(`Ended ${processes.length} processes.`);
}

/** What `up` started here and still runs. */
function recordedProcesses(home: Home): Identity[] {
  return readRecords(home).filter(isRunning);
}

/** The coordinator that answers, and its workers on this host, whoever started them. */
async function announced(home: Home, client: Client): Promise<Identity[]> {
  const workers = (await client.workers()).filter(
    ({ host, state }) => host === hostname() && state !== 'left',
  );
  const pids = [readCoordinator(home)?.pid, ...workers.map(({ pid }) => pid)];
  return pids.flatMap((pid) =>
    pid !== undefined && serves(pid, home) ? (identify(pid) ?? []) : [],
  );
}

/** Nothing runs any more: what says so would be taken for true. */
function forget(home: Home): void {
  removeRecords(home);
  rmSync(home.coordinator, { force: true });
}
