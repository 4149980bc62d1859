import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import type { ProcessIdentity } from '@ringmaster/protocol';

let own: ProcessIdentity | null = null;

/** The identity of this process. */
export function ownIdentity(): ProcessIdentity {
  const { pid } = process;
  own ??= { namespace: ownNamespace(), pid, startTime: startTimeOf(pid) ?? 0 };
  return own;
}

/** The machine that this process runs on, until it is booted again; the same in all of its namespaces. */
export function ownMachine(): string {
  return named(bootId());
}

/** Where process ids mean what they mean to this process. */
function ownNamespace(): string {
  return named(`${bootId()} ${readlinkSync('/proc/self/ns/pid')}`);
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

function named(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** What tells a process of this PID namespace from a later one of the same id; null when there is none. */
export function startTimeOf(pid: number): number | null {
  return processStatus(pid)?.startTime ?? null;
}

/** Whether a process runs and is one of this PID namespace, so that it can be sent signals. */
export function runsHere({ namespace, pid, startTime }: ProcessIdentity): boolean {
  return namespace === ownIdentity().namespace && startTimeOf(pid) === startTime;
}

/** Parent and start time as `/proc/PID/stat` tells them (proc(5)); null for a process that is gone, or a zombie. */
export function processStatus(pid: number): { parent: number; startTime: number } | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return null; // No such process.
  }
  // The second field is the name in parentheses, which may hold spaces and parentheses itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return null;
  return { parent: Number(fields[1]), startTime: Number(fields[19]) };
}
