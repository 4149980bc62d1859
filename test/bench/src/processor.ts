import { readdirSync, readFileSync } from 'node:fs';

/** Unit of processor time in /proc. */
const TICKS_PER_SECOND = 100;

/** Processor time of a process in user and system mode, in seconds (proc(5), stat). */
export interface ProcessorTime {
  /** Of all its threads. */
  readonly own: number;
  /** Of the processes that it has started: of those that have ended, and so far of those that live. */
  readonly children: number;
}

/** Reads the processor time of a process that lives. */
export function processorTime(pid: number): ProcessorTime {
  const [user = 0, system = 0, userOfEnded = 0, systemOfEnded = 0] = readFileSync(
    `/proc/${pid}/stat`,
    'utf8',
  )
    .replace(/^.*\) /s, '')
    .split(' ')
    .slice(11, 15)
    .map((ticks) => Number(ticks) / TICKS_PER_SECOND);
  const living = childrenOf(pid).map((child) => {
    const { own, children } = processorTime(child);
    return own + children;
  });
  return {
    own: user + system,
    children: living.reduce((sum, seconds) => sum + seconds, userOfEnded + systemOfEnded),
  };
}

function childrenOf(pid: number): number[] {
  const threads = `/proc/${pid}/task`;
  return readdirSync(threads).flatMap((thread) =>
    readFileSync(`${threads}/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
}
