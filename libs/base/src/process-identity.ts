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

/** Where process ids mean what they mean to this process. */
function ownNamespace(): string {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const namespace = readlinkSync('/proc/self/ns/pid');
  return createHash('sha256').update(`${boot} ${namespace}`).digest('hex').slice(0, 16);
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
