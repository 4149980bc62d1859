/** A ring of child processes, one per rank, for tests. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RingOptions } from './options.js';
import type { Command, Reply } from './rank.test.fixture.js';

export class RankProcess {
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;
  readonly #replies: Reply[] = [];
  #wake: () => void = () => undefined;

  constructor() {
    this.child = fork(new URL('rank.test.fixture.js', import.meta.url));
    this.child.on('message', (reply: Reply) => {
      this.#replies.push(reply);
      this.#wake();
    });
    this.exited = new Promise((resolve) => {
      this.child.once('exit', (code) => {
        resolve(code);
      });
    });
  }

  send(command: Command): void {
    this.child.send(command);
  }

  async next(): Promise<Reply> {
    for (;;) {
      const reply = this.#replies.shift();
      if (reply !== undefined) return reply;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** The reply after all progress reports. */
  async outcome(): Promise<Exclude<Reply, { kind: 'progress' }>> {
    for (;;) {
      const reply = await this.next();
      if (reply.kind !== 'progress') return reply;
    }
  }

  /** The value that a command answers with. */
  async ask(command: Command): Promise<unknown> {
    this.send(command);
    const reply = await this.outcome();
    if (reply.kind === 'failed') throw new Error(reply.message);
    return reply.value;
  }
}

export class RankProcesses {
  readonly ranks: readonly RankProcess[];
  readonly #directory: string;

  private constructor(ranks: readonly RankProcess[], directory: string) {
    this.ranks = ranks;
    this.#directory = directory;
  }

  /** A connected ring; `bytes` is the room for one step's buckets and lanes. */
  static async start(
    size: number,
    bytes: number,
    options: Pick<RingOptions, 'transport' | 'deadlineMs' | 'segmentBytes'>,
  ): Promise<RankProcesses> {
    const directory = await mkdtemp(join(tmpdir(), 'ring-'));
    const ranks = Array.from({ length: size }, () => new RankProcess());
    const all = new RankProcesses(ranks, directory);
    const endpoints = await Promise.all(
      ranks.map(async (process, rank) =>
        String(
          await process.ask({
            kind: 'bind',
            bytes,
            options: { run: 'run-7', generation: 3, rank, size, directory, ...options },
          }),
        ),
      ),
    );
    await all.askAll({ kind: 'connect', endpoints });
    return all;
  }

  askAll(command: Command): Promise<unknown[]> {
    return Promise.all(this.ranks.map((process) => process.ask(command)));
  }

  /** Ends every process, whatever state it is in. */
  async end(): Promise<void> {
    for (const { child } of this.ranks) child.kill('SIGKILL');
    await Promise.all(this.ranks.map(({ exited }) => exited));
    await rm(this.#directory, { recursive: true, force: true });
  }
}
