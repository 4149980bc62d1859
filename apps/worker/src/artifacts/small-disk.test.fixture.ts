import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** A real file system of a few megabytes, which a test can fill. Mounting needs the rights of root. */
export class SmallDisk {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static mount(path: string, megabytes: number): SmallDisk {
    mkdirSync(path, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path]);
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
