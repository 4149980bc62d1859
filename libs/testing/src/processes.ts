import { eventually } from './eventually.js';

/** Whether a process of this id exists, be it that it has ended and is not yet waited for by its parent. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Waits until no process of this id exists. */
export async function untilGone(pid: number): Promise<void> {
  await eventually(`end of process ${pid}`, () => !isAlive(pid));
}
