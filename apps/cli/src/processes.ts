import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { processStatus, startTimeOf } from '@ringmaster/base';
import type { ProcessIdentity } from '@ringmaster/protocol';

/** A process of this PID namespace that cannot be mistaken for a later one of the same id. */
export type Identity = Omit<ProcessIdentity, 'namespace'>;

/** The process that has this id now. */
export function identify(pid: number): Identity | null {
  const startTime = startTimeOf(pid);
  return startTime === null ? null : { pid, startTime };
}

export function isRunning({ pid, startTime }: Identity): boolean {
  return startTimeOf(pid) === startTime;
}

/** Processes, and all that descend from them. */
export function withDescendants(roots: readonly Identity[]): Identity[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const status = processStatus(Number(name));
      return status === null ? [] : [{ pid: Number(name), ...status }];
    });
  const found = new Map(roots.filter(isRunning).map((root) => [root.pid, root]));
  for (const pid of found.keys()) {
    for (const child of all.filter(({ parent }) => parent === pid)) {
      if (!found.has(child.pid)) found.set(child.pid, child);
    }
  }
  return [...found.values()].map(({ pid, startTime }) => ({ pid, startTime }));
}

/** Waits until none of them runs, and returns those that still do after `timeoutMs`. */
export async function untilGone(
  processes: readonly Identity[],
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Identity[]> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const left = processes.filter(isRunning);
    if (left.length === 0 || performance.now() >= deadline) return left;
    signal?.throwIfAborted();
    await sleep(50);
  }
}

/** Ends processes, and kills those that are still there after `graceMs`; returns those that even then are. */
export async function endProcesses(
  processes: readonly Identity[],
  graceMs: number,
  signal?: AbortSignal,
): Promise<Identity[]> {
  send(processes.filter(isRunning), 'SIGTERM');
  const stubborn = await untilGone(processes, graceMs, signal);
  send(stubborn, 'SIGKILL');
  return untilGone(stubborn, 2000);
}

function send(processes: readonly Identity[], name: NodeJS.Signals): void {
  for (const { pid } of processes) {
    try {
      process.kill(pid, name);
    } catch {
      // It has ended by itself, or belongs to someone else: whether it is gone is looked at afterwards.
    }
  }
}
