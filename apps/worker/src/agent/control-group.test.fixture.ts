import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const ROOT = '/sys/fs/cgroup';

/** A control group whose processes may take so much memory together, as those of a container (cgroups(7)). */
export class ControlGroup {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /**
   * Makes one of version 1, or one of version 2 below the nearest group of ours that hands memory on.
   * @returns null where neither can be made
   */
  static make(bytes: number): ControlGroup | null {
    const places = [
      { parent: join(ROOT, 'memory'), limit: 'memory.limit_in_bytes' },
      ...ownGroups().map((parent) => ({ parent, limit: 'memory.max' })),
    ];
    for (const { parent, limit } of places) {
      const path = join(parent, `ringmaster-test-${process.pid}`);
      try {
        mkdirSync(path);
        writeFileSync(join(path, limit), String(bytes));
        // What is swapped out is not missing.
        if (existsSync(join(path, 'memory.swap.max')))
          writeFileSync(join(path, 'memory.swap.max'), '0');
        return new ControlGroup(path);
      } catch {
        // This version is not mounted, or its memory is not ours to limit.
        if (existsSync(path)) rmdirSync(path);
      }
    }
    return null;
  }

  /** Starts a program of Node in it. */
  start(program: string, ...args: string[]): ChildProcess {
    const join = 'echo $$ > "$0/cgroup.procs" && exec "$@"';
    return spawn('sh', ['-c', join, this.#path, process.execPath, program, ...args], {
      stdio: 'ignore',
    });
  }

  /** Removes it, once its processes are gone. */
  remove(): void {
    rmdirSync(this.#path);
  }
}

/** Our group of version 2 and those above it, nearest first. */
function ownGroups(): string[] {
  const own = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? '/';
  const groups: string[] = [];
  for (let path = join(ROOT, own); path.startsWith(ROOT); path = dirname(path)) groups.push(path);
  return groups;
}
