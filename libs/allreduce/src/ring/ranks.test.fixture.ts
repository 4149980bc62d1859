/** A ring of child processes, one per rank, for tests. */
import { type ChildProcess, fork } from 'node:child_process';
import type { RingOptions } from '../options.js';
import type { Bound, Command, Reply } from './rank.test.process.js';
import type { Standing } from './standing.js';

export class RankProcess {
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;
  readonly #replies: Reply[] = [];
  readonly #waiting = new Set<() => void>();

  constructor() {
    this.child = fork(new URL('./rank.test.process.js', import.meta.url));
    this.child.on('message', (reply: Reply) => {
      this.#replies.push(reply);
      for (const wake of this.#waiting) wake();
      this.#waiting.clear();
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

  /** The first reply of these kinds that was not taken yet; others stay. */
  async next<Kind extends Reply['kind']>(
    ...kinds: [Kind, ...Kind[]]
  ): Promise<Extract<Reply, { kind: Kind }>> {
    for (;;) {
      const index = this.#replies.findIndex(({ kind }) => kinds.some((due) => due === kind));
      const [reply] = index < 0 ? [] : this.#replies.splice(index, 1);
      if (reply !== undefined) return reply as Extract<Reply, { kind: Kind }>;
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
      });
    }
  }

  /** The next reply that ends a command. */
  outcome(): Promise<Extract<Reply, { kind: 'done' | 'failed' }>> {
    return this.next('done', 'failed');
  }

  /** Where the rank stands, while it does something else. */
  async standing(): Promise<Standing> {
    this.send({ kind: 'standing' });
    return (await this.next('standing')).standing;
  }

  /** The value that a command answers with. */
  async ask(command: Command): Promise<unknown> {
    this.send(command);
    const reply = await this.outcome();
    if (reply.kind === 'failed') throw new Error(reply.message);
    return reply.value;
  }
}

type ProcessOptions = Pick<RingOptions, 'segmentBytes'> & {
  readonly shared?: boolean;
  readonly deadlineMs: number;
};

export class RankProcesses {
  readonly ranks: readonly RankProcess[];
  readonly #options: ProcessOptions;
  readonly #bytes: number;

  private constructor(ranks: readonly RankProcess[], options: ProcessOptions, bytes: number) {
    this.ranks = ranks;
    this.#options = options;
    this.#bytes = bytes;
  }

  /** A connected ring; `bytes` is the room for one step's buckets and lanes. */
  static async start(size: number, bytes: number, options: ProcessOptions): Promise<RankProcesses> {
    const all = new RankProcesses(
      Array.from({ length: size }, () => new RankProcess()),
      options,
      bytes,
    );
    await all.form(all.ranks, 0);
    return all;
  }

  /** Forms a ring of some of the processes, in that order. */
  async form(members: readonly RankProcess[], generation: number): Promise<void> {
    const { deadlineMs } = this.#options;
    const seats = await this.bind(members, generation);
    const endpoints = seats.map(({ endpoint }) => endpoint);
    await Promise.all(
      members.map((process) => process.ask({ kind: 'connect', endpoints, deadlineMs })),
    );
  }

  /** Binds a generation that is not connected. */
  bind(members: readonly RankProcess[], generation: number): Promise<Bound[]> {
    const { deadlineMs: _, ...rest } = this.#options;
    return Promise.all(
      members.map(async (process, rank) => {
        const ring = { run: 'run-7', generation, rank, size: members.length };
        const options = { ...ring, shared: false, ...rest };
        return (await process.ask({ kind: 'bind', bytes: this.#bytes, options })) as Bound;
      }),
    );
  }

  askAll(command: Command): Promise<unknown[]> {
    return Promise.all(this.ranks.map((process) => process.ask(command)));
  }

  /** Ends every process, whatever state it is in. */
  async end(): Promise<void> {
    for (const { child } of this.ranks) child.kill('SIGKILL');
    await Promise.all(this.ranks.map(({ exited }) => exited));
  }
}
