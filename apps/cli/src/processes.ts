import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Home } from '@ringmaster/protocol';

/** A process that cannot be mistaken for a later one of the same id. */
export interface Identity {
  readonly pid: number;
  /** When it started, in the kernel's ticks since boot. */
  readonly startTime: number;
}

interface Process extends Identity {
  readonly parent: number;
}

/** Reads `/proc/PID/stat` (proc(5)); a zombie counts as gone. */
function read(pid: number): Process | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return null; // No such process.
  }
  // The second field is the name in parentheses, which may hold spaces and parentheses itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return null;
  return { pid, parent: Number(fields[1]), startTime: Number(fields[19]) };
}

/** The process that has this id now. */
export function identify(pid: number): Identity | null {
  const found = read(pid);
  return found === null ? null : { pid, startTime: found.startTime };
}

/**
 * Whether a process is a coordinator or worker of a home directory, by its command line and environment (proc(5)). Who
 * announces an id may mean one of its own PID namespace, and here another process has it.
 */
export function serves(pid: number, home: Home): boolean {
  try {
    const command = entries(pid, 'cmdline');
    const environment = entries(pid, 'environ');
    const variable = (name: string) =>
      environment.find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1);
    const option = command.indexOf('--home');
    const named = option < 0 ? variable('RINGMASTER_HOME') : command[option + 1];
    const root = named ?? join(variable('HOME') ?? homedir(), '.ringmaster');
    return (
      command.some((part) => /(coordinator|worker)\/dist\/main\.js$/.test(part)) &&
      resolve(readlinkSync(`/proc/${pid}/cwd`), root) === home.root
    );
  } catch {
    return false; // It has ended, or belongs to someone else.
  }
}

/** A file of a process whose entries end with zero bytes. */
function entries(pid: number, file: 'cmdline' | 'environ'): string[] {
  return readFileSync(`/proc/${pid}/${file}`, 'utf8').split('\0');
}

export function isRunning({ pid, startTime }: Identity): boolean {
  return read(pid)?.startTime === startTime;
}

/** These processes and all that descend from them. */
export function withDescendants(roots: readonly Identity[]): Identity[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => read(Number(name)) ?? []);
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
): Promise<Identity[]> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const left = processes.filter(isRunning);
    if (left.length === 0 || performance.now() >= deadline) return left;
    await sleep(50);
  }
}

/** Ends processes, and kills those that are still there after `graceMs`; returns those that even then are. */
export async function endProcesses(
  processes: readonly Identity[],
  graceMs: number,
): Promise<Identity[]> {
  signal(processes.filter(isRunning), 'SIGTERM');
  const stubborn = await untilGone(processes, graceMs);
  signal(stubborn, 'SIGKILL');
  return untilGone(stubborn, 2000);
}

function signal(processes: readonly Identity[], name: NodeJS.Signals): void {
  for (const { pid } of processes) {
    try {
      process.kill(pid, name);
    } catch {
      // It has ended by itself, or belongs to someone else: whether it is gone is looked at afterwards.
    }
  }
}
