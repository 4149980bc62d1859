import { notifyServiceManager, onEndingSignals, ringmasterHome, toldError } from '@ringmaster/base';
import { parseJoinString } from '@ringmaster/protocol';
import type { Command } from 'commander';
import { text } from 'node:stream/consumers';
import { wholeNumber } from '../arguments.js';
import { detach } from '../cluster/detach.js';
import { enrol, type MemberOptions } from '../cluster/member.js';
import { entranceAt } from '../location.js';
import { homeOption, type HomeOption } from '../verb.js';
import { checkRingPorts, workerOptions } from '../worker-options.js';

interface JoinOptions extends HomeOption, MemberOptions {
  readonly fingerprint?: string;
  readonly detach?: true;
}

/** A coordinator elsewhere may be moved to another machine, or its network be cut, without being gone. */
const ORPHAN_TIMEOUT = '1m';

export function define(verb: Command): void {
  workerOptions(
    homeOption(verb).option('--workers <n>', 'number of workers', wholeNumber(1, 256), 1),
    ORPHAN_TIMEOUT,
  )
    .option('--fingerprint <sha256>', 'SHA-256 of the certificate at an address')
    .option('--detach', 'go to the background as soon as the workers are taken in')
    .option('--print-logs', 'print what the workers log, instead of keeping it in the home')
    .addHelpText(
      'after',
      `
It checks this machine as ringmaster doctor does, joins, and stays until the cluster ends or a
signal asks it to leave (SIGTERM, SIGHUP, Ctrl-C): then jobs go on without it first; a second
Ctrl-C ends it at once. The string is read from standard input where a dash stands for it; an
address such as https://node-1:7400 stands for it where the token is in RINGMASTER_TOKEN. A
coordinator that does not answer is waited for as long as --orphan-timeout says. Once its workers are
taken in it says so, to a service manager too (NOTIFY_SOCKET). One that was detached is ended by
ringmaster down with its home. Logs are in logs/ of the home directory.`,
    )
    .action(join);
}

async function join(given: string, { home: directory, ...options }: JoinOptions): Promise<void> {
  checkRingPorts(options, options.workers);
  const string = (given === '-' ? await text(process.stdin) : given).trim();
  // No join string has a colon, and every address has one.
  const entrance = string.includes(':')
    ? entranceAt(string, undefined, options.fingerprint)
    : parseJoinString(string);
  const home = ringmasterHome(directory);
  if (options.detach === true) {
    await detach(home, entrance, string, options);
    return;
  }
  const leaving = askedToLeave();
  const { superviseWorkers } = await import('../cluster/supervisor.js');
  try {
    const membership = await enrol(home, entrance, options, leaving.inOrder);
    if (membership !== null) await superviseWorkers(home, membership, options, leaving);
  } catch (error) {
    const { code, message, remedy } = toldError(error);
    if (process.connected) process.send?.({ error: { code, message, remedy } });
    throw error;
  }
}

/** Signals that abort when this process is asked to leave. */
function askedToLeave() {
  const [inOrder, atOnce] = [new AbortController(), new AbortController()];
  onEndingSignals(
    () => {
      notifyServiceManager('stopping');
      inOrder.abort();
    },
    () => {
      atOnce.abort();
    },
  );
  return { inOrder: inOrder.signal, atOnce: atOnce.signal };
}
