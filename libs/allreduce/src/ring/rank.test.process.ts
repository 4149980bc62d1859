/**
 * One rank in a process of its own, told by its parent over the IPC channel what to do; `ranks.test.fixture.ts` is
 * the parent's side.
 */
import { createHash } from 'node:crypto';
import { RingmasterError } from '@ringmaster/protocol';
import { Kernels } from '../memory/kernels.js';
import { SharedArena } from '../memory/memory.js';
import type { DonorSeat, RingOptions, RingReport } from '../options.js';
import { SharedRegion } from '../shared/region.js';
import { Lanes } from './lanes.js';
import { Ring } from './ring.js';
import type { Standing } from './standing.js';

export interface RankOptions extends Omit<RingOptions, 'arena' | 'region'> {
  /** Whether neighbours read the sums where they lie. */
  readonly shared: boolean;
}

export type Command =
  | { readonly kind: 'bind'; readonly options: RankOptions; readonly bytes: number }
  | {
      readonly kind: 'connect';
      readonly endpoints: readonly string[];
      readonly deadlineMs: number;
    }
  /** One all-reduce over buckets of the given lengths, in the arena of the step's parity. */
  | { readonly kind: 'step'; readonly step: number; readonly lengths: readonly number[] }
  /** Steps without end. */
  | { readonly kind: 'steps'; readonly length: number }
  /** The rank's thread answers nothing any more, as one that computes without an end. */
  | { readonly kind: 'compute' }
  | { readonly kind: 'standing' }
  /** Fills the first half of the arena with a pattern and offers it; answers its SHA-256. */
  | { readonly kind: 'offer' }
  /** Takes the first half over; answers its SHA-256. */
  | { readonly kind: 'fetch'; readonly donors: readonly DonorSeat[]; readonly deadlineMs: number }
  | { readonly kind: 'close'; readonly abandon?: boolean }
  /** Ends the process while its ring is at something. */
  | {
      readonly kind: 'exit';
      readonly code: number;
      readonly amid: 'bind' | 'fetch' | 'all-reduce';
    };

export interface StepResult {
  /** Of the reduced buckets. */
  readonly hash: string;
  /** Elements that are not the sum over ranks. */
  readonly wrong: number;
  readonly report: RingReport;
}

export interface Bound {
  readonly endpoint: string;
  readonly donor: string;
}

export type Reply =
  | { readonly kind: 'done'; readonly value: unknown }
  | {
      readonly kind: 'failed';
      readonly code: string;
      readonly peer: number | undefined;
      readonly message: string;
    }
  /** A step of `steps` is through. */
  | { readonly kind: 'progress'; readonly step: number }
  /** Answers 'standing' at any time. */
  | { readonly kind: 'standing'; readonly standing: Standing };

/** The summand of a rank: of any width, for 500 elements each, the first of 32 bits, so that sums wrap. */
function summand(rank: number, step: number, element: number): number {
  const value = Math.imul(element + 1, 0x9e3779b1 + 2 * (31 * step + rank));
  return value >> (Math.floor(element / 500) % 32);
}

class RankUnderTest {
  readonly #ring: Ring;
  readonly #arena: SharedArena;
  readonly #kernels: Kernels;
  readonly #lanes: Lanes;
  readonly #options: RankOptions;
  readonly #rank: number;
  readonly #size: number;
  readonly #bytes: number;
  readonly #halves: readonly [number, number];

  constructor(
    ring: Ring,
    arena: SharedArena,
    options: RankOptions,
    bytes: number,
    halves: readonly [number, number],
  ) {
    this.#ring = ring;
    this.#arena = arena;
    this.#kernels = Kernels.instantiate(arena.memory);
    this.#options = options;
    this.#rank = options.rank;
    this.#size = options.size;
    this.#bytes = bytes;
    this.#lanes = new Lanes({
      microbatches: options.size,
      sums: 0,
      counts: 0,
      maxima: 0,
      ranks: options.size,
      controls: 1,
    });
    this.#halves = halves;
  }

  static async bind(options: RankOptions, bytes: number) {
    const size = SharedRegion.size(2 * bytes + 64);
    const arena = SharedArena.create(2 * size + 4_194_304);
    const region = options.shared ? SharedRegion.create(arena, 2 * bytes + 64) : null;
    const ring = await Ring.bind({ ...options, arena, region });
    const { endpoint, donor } = ring;
    const place = region ?? arena;
    const halves = [place.allocate(bytes), place.allocate(bytes)] as const;
    const rank = new RankUnderTest(ring, arena, options, bytes, halves);
    return { rank, bound: { endpoint, donor } };
  }

  async step(step: number, lengths: readonly number[]): Promise<StepResult> {
    const start = this.#halves[step % 2 === 0 ? 0 : 1];
    // Where in the arena the half lies is each rank's own affair.
    const checksumOf = (offset: number, length: number) =>
      this.#kernels.checksum(offset, length, (offset - start) / 4);
    let offset = start;
    let checksum = 0;
    const ranges = lengths.map((length) => {
      const view = this.#arena.int32(offset, length);
      for (let k = 0; k < length; k++) view[k] = summand(this.#rank, step, k);
      checksum = (checksum + checksumOf(offset, length)) | 0;
      const range = { offset, length };
      offset += 4 * length;
      return range;
    });
    const laneBlock = { offset, length: this.#lanes.words };
    const view = this.#arena.int32(laneBlock.offset, laneBlock.length);
    this.#lanes.clear(view);
    this.#lanes.write(view, this.#rank, { sums: [], counts: [], maxima: new Float32Array() });
    this.#lanes.writeChecksum(view, checksum);
    const report = await this.#ring.allReduce({ step, attempt: 0, ranges: [...ranges, laneBlock] });

    const reduced = ranges.reduce(
      (sum, range) => (sum + checksumOf(range.offset, range.length)) | 0,
      0,
    );
    this.#lanes.verify(this.#lanes.read(view), reduced);
    const hash = createHash('sha256');
    let wrong = 0;
    for (const range of ranges) {
      const sums = this.#arena.int32(range.offset, range.length);
      for (const [k, sum] of sums.entries()) {
        let expected = 0;
        for (let rank = 0; rank < this.#size; rank++) expected += summand(rank, step, k);
        if (sum !== (expected | 0)) wrong++;
      }
      hash.update(Uint8Array.from(new Uint8Array(sums.buffer, range.offset, 4 * range.length)));
    }
    return { hash: hash.digest('hex'), wrong, report };
  }

  async steps(length: number): Promise<never> {
    for (let step = 0; ; step++) {
      await this.step(step, [length]);
      reply({ kind: 'progress', step });
    }
  }

  connect(endpoints: readonly string[], deadlineMs: number): Promise<void> {
    return this.#ring.connect(endpoints, { deadlineMs });
  }

  close(abandon = false): Promise<void> {
    return this.#ring.close({ abandon });
  }

  standing(): Standing {
    return this.#ring.standing();
  }

  offer(): string {
    const [offset] = this.#halves;
    const bytes = new Uint8Array(this.#arena.memory.buffer, offset, this.#bytes);
    for (let k = 0; k < bytes.length; k++) bytes[k] = Math.imul(k, 0x9e3779b1) >>> 24;
    this.#ring.offer({ prefix: new Uint8Array(), offset, length: this.#bytes });
    return createHash('sha256').update(bytes).digest('hex');
  }

  async fetch(donors: readonly DonorSeat[], deadlineMs: number): Promise<string> {
    const range = { offset: this.#halves[0], length: this.#bytes, deadlineMs };
    const { sha256 } = await this.#ring.fetch(donors, range);
    return sha256;
  }

  /** Ends the process while the ring waits for others, or while another is being bound. */
  exitAmid(amid: 'bind' | 'fetch' | 'all-reduce', code: number): void {
    const busy = {
      bind: () => Ring.bind({ ...this.#options, arena: this.#arena }),
      fetch: () => this.#ring.fetch([{ rank: 1, endpoint: this.#ring.donor }], MUTE),
      'all-reduce': () =>
        this.#ring.allReduce({ step: 0, attempt: 0, ranges: [{ offset: 0, length: 1000 }] }),
    };
    busy[amid]().catch(() => undefined);
    setTimeout(() => process.exit(code), amid === 'bind' ? 0 : 100);
  }
}

// A rank that asks itself, with nothing to give, waits.
const MUTE = { offset: 0, length: 1000, deadlineMs: 60_000 };

let underTest: RankUnderTest | undefined;

function reply(message: Reply): void {
  process.send?.(message);
}

async function perform(command: Command): Promise<unknown> {
  if (command.kind === 'bind') {
    const { rank, bound } = await RankUnderTest.bind(command.options, command.bytes);
    underTest = rank;
    return bound satisfies Bound;
  }
  if (underTest === undefined) throw new Error('not bound');
  switch (command.kind) {
    case 'connect':
      return underTest.connect(command.endpoints, command.deadlineMs);
    case 'step':
      return underTest.step(command.step, command.lengths);
    case 'steps':
      return underTest.steps(command.length);
    case 'compute':
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
      return undefined;
    case 'standing':
      reply({ kind: 'standing', standing: underTest.standing() });
      return undefined;
    case 'offer':
      return underTest.offer();
    case 'fetch':
      return underTest.fetch(command.donors, command.deadlineMs);
    case 'close':
      return underTest.close(command.abandon);
    case 'exit':
      underTest.exitAmid(command.amid, command.code);
      return undefined;
  }
}

process.on('message', (command: Command) => {
  perform(command).then(
    (value) => {
      if (command.kind !== 'standing') reply({ kind: 'done', value });
    },
    (error: unknown) => {
      const body = error instanceof RingmasterError ? error.toBody() : undefined;
      const { peer } = (body?.detail ?? {}) as { peer?: number };
      reply({ kind: 'failed', code: body?.code ?? '', peer, message: String(error) });
    },
  );
});
