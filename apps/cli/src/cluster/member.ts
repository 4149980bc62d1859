import { hostname } from 'node:os';
import { makeHomeDirectory, runsHere, type Home } from '@ringmaster/base';
import { readMembership, writeMembership } from '@ringmaster/base/home-files';
import { RingmasterError, sha256, type Entrance, type Membership } from '@ringmaster/protocol';
import { z } from 'zod';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../client.js';
import { duration } from '../arguments.js';
import { invited, readCoordinator } from '../location.js';
import { note } from '../output.js';
import { identify, isRunning } from '../processes.js';
import { version } from '../version.js';
import { optionArguments, type WorkerOptions } from '../worker-options.js';
import { checkCards } from './cards.js';
import { readRecords, writeRecords, type ProcessRecord } from './records.js';

/** How the workers of a machine that joins are started. */
export interface MemberOptions extends WorkerOptions {
  readonly workers: number;
  /** Whether what the workers log is printed, and not kept in the home. */
  readonly printLogs?: true;
}

/** Pause before a coordinator that did not answer is asked again. */
const AGAIN_MS = 1000;

/** Name of the record of the process that keeps a membership. */
export const MEMBER = 'join';

/** What a process tells its parent that it ends with. */
export const failureSchema = z.object({
  error: z.object({ code: z.string(), message: z.string(), remedy: z.string() }),
});

/** The options as they are given on the command line of `ringmaster join`. */
export function memberArguments(
  options: Readonly<Partial<MemberOptions>> & { readonly workers: number },
): string[] {
  const logs = options.printLogs === true ? ['--print-logs'] : [];
  return ['--workers', String(options.workers), ...optionArguments(options), ...logs];
}

/** What a membership is kept with: two of the same are one. The token itself is not to be read in any record. */
export function settingsOf({ token, url }: Entrance, options: MemberOptions): string[] {
  return [sha256(`${url} ${token ?? ''}`).slice(0, 16), ...memberArguments(options)];
}

/** The process that keeps a membership in this home, if one runs. */
export function runningMember(home: Home): ProcessRecord | null {
  return readRecords(home).find((each) => each.name === MEMBER && isRunning(each)) ?? null;
}

/**
 * Checks this machine, has it taken into the cluster, and writes that down in the home. A coordinator that does not answer
 * is waited for as long as the workers would go on without it.
 * @returns null when it was asked to leave meanwhile
 * @throws HOME_IN_USE, MACHINE_UNFIT, and what the coordinator says: VERSION_MISMATCH, PROCESSOR_DIFFERS, CLOCK_DIFFERS,
 * UNAUTHORIZED, SCOPE_MISSING, CERTIFICATE_REFUSED, COORDINATOR_UNREACHABLE
 */
export async function enrol(
  home: Home,
  entrance: Entrance,
  options: MemberOptions,
  leaving: AbortSignal,
): Promise<Membership | null> {
  const coordinator = readCoordinator(home);
  if ((coordinator !== null && runsHere(coordinator)) || runningMember(home) !== null)
    throw new RingmasterError('HOME_IN_USE', { path: home.root });
  await checkCards(options, options.workers);
  // Loaded here: they bring ZeroMQ and the model library, which no other verb needs.
  const { checkMachine, processorKind } = await import('../checks.js');
  const { curveKeyPair } = await import('zeromq');
  const failed = (await checkMachine(home)).filter(({ state }) => state === 'fail');
  for (const { check, detail, remedy } of failed) note(`${check}: ${detail}\n  ${remedy ?? ''}`);
  if (failed.length > 0) {
    const checks = failed.map(({ check }) => check).join(', ');
    throw new RingmasterError('MACHINE_UNFIT', { checks });
  }
  const { publicKey, secretKey } = readMembership(home) ?? curveKeyPair();
  const client = new Client(invited(entrance));
  const self = { version, host: hostname(), processor: processorKind(), publicKey };
  const answer = await untilAnswered(
    () => client.join({ ...self, time: Date.now() }, leaving),
    duration(options.orphanTimeout),
    leaving,
  );
  if (answer === null) return null;
  const { cluster, control } = answer;
  const serverKey = entrance.serverKey ?? answer.serverKey;
  const membership = { ...entrance, cluster, control, serverKey, publicKey, secretKey };
  makeHomeDirectory(home.root, 0o700);
  makeHomeDirectory(home.logs);
  writeMembership(home, membership);
  const own = identify(process.pid);
  if (own !== null) {
    const others = readRecords(home).filter(({ name }) => name !== MEMBER);
    const args = settingsOf(entrance, options);
    writeRecords(home, [...others, { name: MEMBER, ...own, args }]);
  }
  return membership;
}

/** Asks until somebody answers or `patienceMs` are over. @returns null once `leaving` is aborted */
async function untilAnswered<Answer>(
  ask: () => Promise<Answer>,
  patienceMs: number,
  leaving: AbortSignal,
): Promise<Answer | null> {
  const deadline = performance.now() + patienceMs;
  const isLeaving = () => leaving.aborted;
  for (let asked = 1; !isLeaving(); asked++) {
    try {
      return await ask();
    } catch (error) {
      if (isLeaving()) break;
      const isAway = RingmasterError.is(error, 'COORDINATOR_UNREACHABLE');
      if (!isAway || performance.now() > deadline) throw error;
      if (asked === 1) note(`${error.message}; it is waited for.`);
    }
    await sleep(AGAIN_MS);
  }
  return null;
}
