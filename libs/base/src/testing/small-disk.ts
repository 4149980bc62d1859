import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { possible } from './possible.js';

/**
 * Whether a small disk can be mounted here. Says so where it cannot.
 * @throws where every test has to run (CI=true)
 */
export function canMountSmallDisk(): boolean {
  return possible(
    process.getuid?.() === 0,
    'full disks are not tested: mounting one needs the rights of root',
  );
}

/** A real file system that a test can fill. */
export class SmallDisk {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** @param files how many files and directories it has room for */
  static mount(path: string, kibibytes: number, files = 1000): SmallDisk {
    mkdirSync(path, { recursive: true });
    const options = `size=${kibibytes}k,nr_inodes=${files}`;
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path]);
    return new SmallDisk(path);
  }

  unmount(): void {
    execFileSync('umount', [this.path]);
  }

  /** Bytes that files take. */
  used(): number {
    const { blocks, bfree, bsize } = statfsSync(this.path);
    return (blocks - bfree) * bsize;
  }

  /** Leaves no more room than this. */
  fill(bytesLeft: number): void {
    const { bfree, bsize } = statfsSync(this.path);
    const file = openSync(this.#ballast, 'w');
    writeSync(file, Buffer.alloc(Math.max(0, bfree * bsize - bytesLeft)));
    closeSync(file);
  }

  clear(): void {
    rmSync(this.#ballast);
  }

  get #ballast(): string {
    return join(this.path, 'ballast');
  }
}
