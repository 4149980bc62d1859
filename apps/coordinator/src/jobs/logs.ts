import { appendFileSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';

const CHUNK = 64 * 1024;

/** The log files of jobs: lines of JSON, as trainers wrote them. */
export class JobLogs {
  readonly #directory: string;
  readonly #followers = new Map<string, Set<() => void>>();

  constructor(logs: string) {
    this.#directory = join(logs, 'jobs');
  }

  path(job: string): string {
    return join(this.#directory, `${job}.log`);
  }

  append(job: string, lines: readonly string[]): void {
    if (lines.length === 0) return;
    appendFileSync(this.path(job), lines.map((line) => `${line}\n`).join(''));
    for (const follower of this.#followers.get(job) ?? []) follower();
  }

  /** Calls `follower` after each append. @returns A function that ends this. */
  follow(job: string, follower: () => void): () => void {
    const followers = this.#followers.get(job) ?? new Set();
    this.#followers.set(job, followers);
    followers.add(follower);
    return () => {
      followers.delete(follower);
      if (followers.size === 0) this.#followers.delete(job);
    };
  }

  /** What the file holds from `from` on, and where it ends. */
  async read(job: string, from: number): Promise<{ text: Buffer; end: number }> {
    const size = await this.#size(job);
    if (size <= from) return { text: Buffer.alloc(0), end: from };
    const file = await open(this.path(job));
    try {
      const text = Buffer.alloc(size - from);
      const { bytesRead } = await file.read(text, 0, text.length, from);
      return { text: text.subarray(0, bytesRead), end: from + bytesRead };
    } finally {
      await file.close();
    }
  }

  /** Where the last `lines` lines of the file begin. */
  async startOfTail(job: string, lines: number): Promise<number> {
    const size = await this.#size(job);
    if (size === 0 || lines === 0) return size;
    const file = await open(this.path(job));
    try {
      let left = lines;
      for (let end = size; end > 0; end -= CHUNK) {
        const begin = Math.max(0, end - CHUNK);
        const chunk = Buffer.alloc(end - begin);
        await file.read(chunk, 0, chunk.length, begin);
        for (let index = chunk.length - 1; index >= 0; index--) {
          const isLastByte = begin + index === size - 1;
          if (chunk[index] === 0x0a && !isLastByte && --left === 0) return begin + index + 1;
        }
      }
      return 0;
    } finally {
      await file.close();
    }
  }

  async #size(job: string): Promise<number> {
    return stat(this.path(job)).then(
      ({ size }) => size,
      () => 0, // Nothing was logged yet.
    );
  }
}
