import { spawn, spawnSync, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { possible } from './possible.js';

const UNSHARE = ['--pid', '--fork', '--kill-child', '--mount-proc'];

/**
 * Whether processes can have a PID namespace of their own here. Says so where they cannot.
 * @throws where every test has to run (CI=true)
 */
export function canUnsharePids(): boolean {
  return possible(
    spawnSync('unshare', [...UNSHARE, 'true']).status === 0,
    'PID namespaces are not tested: making one needs the rights of root',
  );
}

/** A process that is the first of a PID namespace of its own, where its id is 1. */
export class NamespacedProcess {
  /** The process that has made the namespace; it ends with the one in it. */
  readonly child: ChildProcess;

  constructor(command: readonly string[], options: SpawnOptions) {
    this.child = spawn('unshare', [...UNSHARE, ...command], options);
  }

  /** Id that it has outside, once it is there. */
  async pid(): Promise<number> {
    const outer = this.child.pid ?? 0;
    for (;;) {
      const inner = Number(readFileSync(`/proc/${outer}/task/${outer}/children`, 'utf8').trim());
      if (inner > 0) return inner;
      await sleep(10);
    }
  }
}
