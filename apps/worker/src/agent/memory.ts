import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Most memory that a living process has used so far, in bytes; null where the system does not tell (proc(5)). */
export const peakMemory = (pid: number): number | null => memoryOf(pid, 'VmHWM');

/** Memory that a living process has now, in bytes; null where the system does not tell. */
export const residentMemory = (pid: number): number | null => memoryOf(pid, 'VmRSS');

function memoryOf(pid: number, field: string): number | null {
  const line = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm');
  const [, kilobytes] = line.exec(contentOf(`/proc/${pid}/status`)) ?? [];
  return kilobytes === undefined ? null : 1024 * Number(kilobytes);
}

/** Has the most memory of a process counted from now on (proc(5), clear_refs). @returns whether the system does so */
export function resetPeakMemory(pid: number): boolean {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
    return true;
  } catch {
    return false; // No such process any more, or a system that does not let us.
  }
}

/**
 * The file in which the kernel counts the processes that it killed for want of memory: that of our control group
 * (cgroup v2, memory.events), which containers have to themselves, else that of the whole machine (/proc/vmstat).
 */
export function oomKillFile(): string | null {
  const group = /^0::(.*)$/m.exec(contentOf('/proc/self/cgroup'))?.[1] ?? '/';
  const ours = join('/sys/fs/cgroup', group, 'memory.events');
  return [ours, '/proc/vmstat'].find((path) => existsSync(path)) ?? null;
}

/** How many processes the kernel has killed for want of memory; null where it does not count. */
export function oomKillsIn(file: string | null): number | null {
  const count = /^oom_kill (\d+)$/m.exec(file === null ? '' : contentOf(file))?.[1];
  return count === undefined ? null : Number(count);
}

/** How long after the kernel has chosen a process the end of that process may be seen: it has much to give back. */
const DYING_MS = 10_000;

/**
 * Which ends the kernel's want of memory explains: each kill that was counted explains one process that was ended by
 * SIGKILL soon after. Times are milliseconds of a clock that never goes back.
 */
export class OomKills {
  #count: number | null;
  /** When kills that explain no end yet were first seen. */
  #unclaimed: number[] = [];

  constructor(count: number | null) {
    this.#count = count;
  }

  /** Takes what the kernel counts now. */
  see(count: number | null, nowMs: number): void {
    const more = count === null || this.#count === null ? 0 : Math.max(0, count - this.#count);
    this.#count = count;
    const fresh = this.#unclaimed.filter((seenMs) => nowMs - seenMs <= DYING_MS);
    this.#unclaimed = [...fresh, ...Array.from({ length: more }, () => nowMs)];
  }

  /** Whether a kill explains the end of a process by SIGKILL now; it explains no other then. */
  claim(): boolean {
    return this.#unclaimed.shift() !== undefined;
  }
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // No such process any more, or a system without /proc.
  }
}
