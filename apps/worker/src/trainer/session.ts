import { Ring, type LaneReading, type RingReport } from '@ringmaster/allreduce';
import { setImmediate } from 'node:timers/promises';
import type { Arena, Run } from './run.js';

/** Thrown into a step loop whose generation is over; never leaves the trainer. */
export class GenerationEnded extends Error {
  override readonly name = 'GenerationEnded';
}

/** Longest that a rank waits for its neighbour in one all-reduce. It covers the neighbour's slowest microbatches. */
const RING_DEADLINE_MS = 120_000;

export interface SessionOptions {
  readonly job: string;
  readonly generation: number;
  readonly rank: number;
  readonly size: number;
}

/** One rank's part in one generation: its ring and its share of the microbatches. */
export class Session {
  readonly generation: number;
  readonly rank: number;
  readonly size: number;
  readonly #run: Run;
  readonly #ring: Ring;
  #share: readonly number[] = [];
  #ended = false;

  private constructor(run: Run, ring: Ring, options: SessionOptions) {
    this.#run = run;
    this.#ring = ring;
    this.generation = options.generation;
    this.rank = options.rank;
    this.size = options.size;
  }

  /** Binds a fresh socket; nobody is connected yet. */
  static async open(run: Run, options: SessionOptions): Promise<Session> {
    const { job, generation, rank, size } = options;
    const ring = await Ring.bind({
      run: job,
      generation,
      rank,
      size,
      arena: run.memory,
      transport: 'tcp',
    });
    return new Session(run, ring, options);
  }

  get endpoint(): string {
    return this.#ring.endpoint;
  }

  /** Microbatches of each step that this rank computes. */
  get share(): readonly number[] {
    return this.#share;
  }

  async connect(endpoints: readonly string[], share: readonly number[]): Promise<void> {
    this.#share = share;
    try {
      await this.#ring.connect(endpoints, { deadlineMs: RING_DEADLINE_MS });
    } finally {
      this.assertCurrent();
    }
  }

  /** Ends the session: whatever waits in it is rejected, and nothing of it will be applied. */
  async end(): Promise<void> {
    this.#ended = true;
    await this.#ring.close();
  }

  /** Lets messages in, and throws when one of them has ended the generation. */
  async breathe(): Promise<void> {
    await setImmediate();
    this.assertCurrent();
  }

  /** @throws GenerationEnded when a newer generation was promised. Called right before anything is applied. */
  assertCurrent(): void {
    if (this.#ended) throw new GenerationEnded();
  }

  /**
   * Sums the arena over all ranks, in place, and gathers the lanes. The reduced gradients are checked against the sum
   * of the ranks' checksums before anyone may use them.
   */
  async sum(
    arena: Arena,
    { step, attempt, gradients }: { step: number; attempt: number; gradients: boolean },
  ): Promise<{ microbatches: LaneReading['microbatches']; ring: RingReport }> {
    const { kernels, layout, lanes } = this.#run;
    const length = gradients ? layout.length : 0;
    lanes.writeChecksum(arena.lanes, kernels.checksum(arena.offset, length, 0));
    const ranges = [
      { offset: arena.offset, length },
      { offset: arena.lanesOffset, length: lanes.words },
    ];
    const ring = await this.#allReduce(step, attempt, ranges);
    const reading = lanes.read(arena.lanes);
    lanes.verify(reading, kernels.checksum(arena.offset, length, 0));
    return { microbatches: reading.microbatches, ring };
  }

  /** Gathers a lane block that has no gradients: an evaluation, which takes attempt 0 of its step. */
  async gather(block: { offset: number; length: number }, step: number): Promise<void> {
    await this.#allReduce(step, 0, [block]);
  }

  async #allReduce(step: number, attempt: number, ranges: { offset: number; length: number }[]) {
    try {
      return await this.#ring.allReduce({ step, attempt, ranges });
    } finally {
      this.assertCurrent();
    }
  }
}
