import { hostname } from 'node:os';
import { makeHomeDirectory, runsHere, type Home } from '@ringmaster/base';
import { readMembership, writeMembership } from '@ringmaster/base/home-files';
import { RingmasterError, sha256, type Invitation, type Membership } from '@ringmaster/protocol';
import { z } from 'zod';
import { Client } from '../client.js';
import { invited, readCoordinator } from '../location.js';
import { note } from '../output.js';
import { identify, isRunning } from '../processes.js';
import { ringArguments, type RingOptions } from '../ring-options.js';
import { version } from '../version.js';
import { readRecords, writeRecords, type ProcessRecord } from './records.js';

/** How the workers of a machine that joins are started. */
export interface MemberOptions extends RingOptions {
  readonly workers: number;
  readonly threads: number;
  readonly orphanTimeout: string;
}

/** Name of the record of the process that keeps a membership. */
export const MEMBER = 'join';

/** What a process tells its parent that it ends with. */
export const failureSchema = z.object({
  error: z.object({ code: z.string(), message: z.string(), remedy: z.string() }),
});

/** The options as they are given on a command line, of `ringmaster join` and of a worker. */
export function memberArguments({ workers, ...options }: MemberOptions): string[] {
  return ['--workers', String(workers), ...workerArguments(options)];
}

export function workerArguments(options: Omit<MemberOptions, 'workers'>): string[] {
  const { threads, orphanTimeout } = options;
  return [
    '--threads',
    String(threads),
    '--orphan-timeout',
    orphanTimeout,
    ...ringArguments(options),
  ];
}

/** What a membership is kept with: two of the same are one. The token itself is not to be read in any record. */
export function settingsOf({ token, url }: Invitation, options: MemberOptions): string[] {
  return [sha256(`${url} ${token}`).slice(0, 16), ...memberArguments(options)];
}

/** The process that keeps a membership in this home, if one runs. */
export function runningMember(home: Home): ProcessRecord | null {
  return readRecords(home).find((each) => each.name === MEMBER && isRunning(each)) ?? null;
}

/**
 * Checks this machine, has it taken into the cluster, and writes that down in the home.
 * @throws HOME_IN_USE, MACHINE_UNFIT, and what the coordinator says: VERSION_MISMATCH, PROCESSOR_DIFFERS, CLOCK_DIFFERS,
 * UNAUTHORIZED, SCOPE_MISSING, CERTIFICATE_REFUSED, COORDINATOR_UNREACHABLE
 */
export async function enrol(
  home: Home,
  invitation: Invitation,
  options: MemberOptions,
): Promise<Membership> {
  const coordinator = readCoordinator(home);
  if ((coordinator !== null && runsHere(coordinator)) || runningMember(home) !== null)
    throw new RingmasterError('HOME_IN_USE', { path: home.root });
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
  const { cluster, control } = await new Client(invited(invitation)).join({
    version,
    host: hostname(),
    processor: processorKind(),
    time: Date.now(),
    publicKey,
  });
  const membership = { ...invitation, cluster, control, publicKey, secretKey };
  makeHomeDirectory(home.root, 0o700);
  makeHomeDirectory(home.logs);
  writeMembership(home, membership);
  const own = identify(process.pid);
  if (own !== null) {
    const others = readRecords(home).filter(({ name }) => name !== MEMBER);
    const args = settingsOf(invitation, options);
    writeRecords(home, [...others, { name: MEMBER, ...own, args }]);
  }
  return membership;
}
