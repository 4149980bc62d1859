import { appendFileSync, rmSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LOG_LIMIT_BYTES, trimLog } from './trim-log.js';

const CHUNK = 64 * 1024;

/**
 * The log files of jobs: lines of JSON, as trainers wrote them. One that grows beyond its limit loses its older lines.
 * Places in a log are counted from its first line ever, so that who follows it is not led astray by that.
 */
export class JobLogs {
  readonly #directory: string;
  readonly #limit: number;
  readonly #followers = new Map<string, Set<() => void>>();
  /** Bytes that logs have lost at their beginnings, as far as anyone who reads them now can know. */
  readonly #lost = new Map<string, number>();

  /** @param limit Bytes that a log may have; of one that has more, the newer half stays. */
  constructor(logs: string, limit = LOG_LIMIT_BYTES) {
    this.#directory = join(logs, 'jobs');
    this.#limit = limit;
  }

  path(job: string): string {
    return join(this.#directory, `${job}.log`);
  }

  append(job: string, lines: readonly string[]): void {
    if (lines.length === 0) return;
    appendFileSync(this.path(job), lines.map((line) => `${line}\n`).join(''));
    this.#trim(job);
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

  /** What the log holds from `from` on, and where it ends. */
  async read(job: string, from: number): Promise<{ text: Buffer; end: number }> {
    return this.#untrimmed(job, async (lost) => {
      const begin = Math.max(0, from - lost);
      const text = await this.#content(job, begin);
      return { text, end: Math.max(from, lost + begin + text.length) };
    });
  }

  /** Where the last `lines` lines of the log begin. */
  async startOfTail(job: string, lines: number): Promise<number> {
    return this.#untrimmed(job, async (lost) => lost + (await this.#startInFile(job, lines)));
  }

  /** Removes the log of a job. */
  remove(job: string): void {
    rmSync(this.path(job), { force: true });
    this.#lost.delete(job);
  }

  #trim(job: string): void {
    const path = this.path(job);
    const cut = trimLog(path, this.#limit, this.#limit / 2);
    if (cut > 0) this.#lost.set(job, (this.#lost.get(job) ?? 0) + cut);
  }

  /** Reads a log, again should it lose lines meanwhile. */
  async #untrimmed<Result>(job: string, read: (lost: number) => Promise<Result>): Promise<Result> {
    for (;;) {
      const lost = this.#lost.get(job) ?? 0;
      const result = await read(lost);
      if (lost === (this.#lost.get(job) ?? 0)) return result;
    }
  }

  async #content(job: string, begin: number): Promise<Buffer> {
    const size = await this.#size(job);
    if (size <= begin) return Buffer.alloc(0);
    const file = await open(this.path(job));
    try {
      const text = Buffer.alloc(size - begin);
      const { bytesRead } = await file.read(text, 0, text.length, begin);
      return text.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  }

  async #startInFile(job: string, lines: number): Promise<number> {
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
