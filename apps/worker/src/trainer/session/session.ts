import { Ring, type LaneReading, type Operation, type RingReport } from '@ringmaster/allreduce';
import {
  ringDeadlineMs,
  RingmasterError,
  type Interruption,
  type RingLink,
} from '@ringmaster/protocol';
import { setImmediate } from 'node:timers/promises';
import { advertised, faultPoint } from '../../faults/fault-point.js';
import { untilAddressIsGone } from '../../network/watch-address.js';
import { peerIn } from '../failure.js';
import type { Command } from '../membership/types.js';
import type { RingSession, SessionOptions } from '../ports.js';
import { hasFreeProcessor } from '../quantising/processors.js';
import type { Run } from '../run/run.js';
import { WORDS } from '../step/lanes.js';
import { GenerationEnded } from './generation-ended.js';
import { listening, type RingPlace } from './listening.js';
import { fetchState, offerState } from './transfer.js';

/** What a rank must know of its generation to take part in it. */
export type Terms = Pick<Command<'start'>, 'seats' | 'shares' | 'firstShares' | 'deadlineMs'>;

/** One rank's part in one generation: its ring, its share of the microbatches, and what it is doing. */
export class Session implements RingSession {
  readonly generation: number;
  readonly rank: number;
  readonly size: number;
  readonly #run: Run;
  readonly #place: RingPlace;
  readonly #announced: () => number;
  readonly #ending: () => number;
  #binding: Promise<Ring> | null = null;
  #ring: Ring | null = null;
  #terms: Terms | null = null;
  #firstStep: number | null = null;
  #offers = false;
  #agreed: number | null = null;
  /** Rejects when others can no longer reach the ring. */
  readonly #lost: Promise<never>;
  #lose: (error: RingmasterError) => void = () => undefined;
  readonly #over = new AbortController();
  #activity: { doing: Interruption['doing']; attempt: number; since: number } | null = null;
  #waitedFor: number | null = null;
  /** When the last sum of this ring was complete, and the longest time between two. */
  #summedAt: number | null = null;
  #slowestMs = 0;

  /**
   * @param place Where its ring is to listen.
   * @param ending The newest generation that is known to end every older one, before its command was read.
   */
  constructor(run: Run, place: RingPlace, options: SessionOptions, ending: () => number = () => 0) {
    this.#run = run;
    this.#place = place;
    this.#ending = ending;
    ({
      generation: this.generation,
      rank: this.rank,
      size: this.size,
      announced: this.#announced,
    } = options);
    this.#lost = new Promise((_, reject) => {
      this.#lose = reject;
    });
    this.#lost.catch(() => undefined); // Told to whoever waits, if anybody does.
  }

  /** Binds fresh sockets; nobody is connected yet. */
  async bind(): Promise<{ endpoint: string; donor: string }> {
    this.#binding = this.#bindRing();
    this.#ring = await this.#binding;
    const endpoint = await advertised(this.#ring.endpoint);
    const donor = await advertised(this.#ring.donor);
    this.assertCurrent();
    faultPoint('bound', this.#run);
    return { endpoint, donor };
  }

  async #bindRing(): Promise<Ring> {
    const { generation, rank, size } = this;
    const place = await listening(this.#place);
    if (size > 1) this.#loseWith(place.host);
    return Ring.bind({
      run: this.#run.loaded.launch.job,
      generation,
      rank,
      size,
      arena: this.#run.memory.shared,
      region: this.#run.memory.region,
      ...place,
    });
  }

  /** Fails what is waited for once an address is no longer this host's: its neighbours would be silent until a deadline. */
  #loseWith(address: string): void {
    const { rank } = this;
    void untilAddressIsGone(address, this.#over.signal).then(() => {
      this.#lose(new RingmasterError('RING_ADDRESS_GONE', { rank, address }));
    });
  }

  /** Resolves when both neighbours are linked. @throws RING_LINK_FAILED */
  async connect(terms: Terms): Promise<void> {
    this.#terms = terms;
    this.does('link');
    const endpoints = terms.seats.map(({ endpoint }) => endpoint);
    const { deadlineMs } = terms;
    faultPoint('link', this.#run);
    await this.#current(() => this.#bound.connect(endpoints, { deadlineMs }));
    faultPoint('linked', this.#run);
    const aside = hasFreeProcessor(endpoints, this.rank);
    await this.#current(() => this.#run.memory.quantiser.setAside(aside));
  }

  /** Takes the state over from other ranks, once they offer it. @throws STATE_TRANSFER_FAILED */
  async fetchState(holders: readonly number[]): Promise<void> {
    this.does('transfer');
    const { seats = [], deadlineMs = 0 } = this.#terms ?? {};
    const donors = holders.map((rank) => ({ rank, endpoint: seats[rank]?.donor ?? '' }));
    faultPoint('transfer', this.#run);
    await this.#current(() => fetchState(this.#run, this.#bound, donors, deadlineMs));
  }

  /** The generation's first step is the next one. `offer`: other ranks take the state from here before it. */
  begin(offer: boolean): void {
    this.#firstStep = this.#run.step;
    this.#offers = offer;
    if (offer) offerState(this.#run, this.#bound);
    if (offer) faultPoint('offered', this.#run);
  }

  /** How this rank reads what the rank before sends; null where it is alone. */
  get link(): RingLink | null {
    return this.#bound.link;
  }

  /** Microbatches of the next step, by rank. */
  get shares(): readonly (readonly number[])[] {
    const isFirst = this.#run.step === this.#firstStep;
    return (isFirst ? this.#terms?.firstShares : this.#terms?.shares) ?? [];
  }

  /** Microbatches that this rank computes in the next step. */
  get share(): readonly number[] {
    return this.shares[this.rank] ?? [];
  }

  /** The newer generation that all ranks named in the last sum, or null. */
  get agreed(): number | null {
    return this.#agreed;
  }

  /**
   * Ends the session: whatever waits in it is rejected, and nothing of it will be applied.
   * @param abandon what others may still want of it is not waited for: the generation is over for everyone
   */
  async end({ abandon }: { abandon: boolean }): Promise<void> {
    this.#over.abort();
    const ring = await this.#binding?.catch(() => null);
    await ring?.close({ abandon });
  }

  /** Lets messages in, and throws when one of them has ended the generation. */
  async breathe(): Promise<void> {
    await setImmediate();
    this.assertCurrent();
  }

  /** @throws GenerationEnded when a newer generation was promised. Called right before anything is applied. */
  assertCurrent(): void {
    if (this.#over.signal.aborted || this.#ending() > this.generation) throw new GenerationEnded();
  }

  /** Notes what is being done from now on, for the record of an interruption; null for nothing. */
  does(doing: Interruption['doing'] | null, attempt = 1): void {
    this.#activity = doing === null ? null : { doing, attempt, since: performance.now() };
  }

  /** What is being done, or what it failed in; null when nothing. */
  interruption(): Interruption | null {
    if (this.#activity === null) return null;
    const { doing, attempt, since } = this.#activity;
    const standing = this.#ring?.standing();
    // Buckets may be under way while this rank computes, which then waits for nobody.
    const waits = doing !== 'compute' && standing !== undefined && standing.operation !== 'idle';
    return {
      generation: this.generation,
      step: this.#run.step,
      attempt,
      doing,
      waitsFor: waits ? standing.waitsFor : this.#waitedFor,
      seconds: waits ? standing.seconds : (performance.now() - since) / 1000,
    };
  }

  /** Writes the generation that this rank is ready to switch to into its control lane. */
  announce(lanes: Int32Array): void {
    this.#run.memory.lanes.writeControl(lanes, this.rank, WORDS.generation, this.#announced());
  }

  /**
   * Sums ranges of the shared memory over all ranks, in place, after everything that was asked for before.
   * @throws GenerationEnded; whatever the ring throws
   */
  allReduce(step: number, attempt: number, ranges: Operation['ranges']): Promise<RingReport> {
    return this.#current(() =>
      this.#bound.allReduce({ step, attempt, ranges, deadlineMs: this.#deadlineMs }),
    );
  }

  /** Takes note of what the lanes of a finished sum say. Nothing of its generation has been decided before. */
  concludeSum(reading: LaneReading): void {
    this.#everyoneContributed();
    const now = performance.now();
    if (this.#summedAt !== null) this.#slowestMs = Math.max(this.#slowestMs, now - this.#summedAt);
    this.#summedAt = now;
    this.#agreed = this.#agreement(reading);
  }

  /** Gathers a lane block that has no gradients: an evaluation, which takes attempt 0 of its step. */
  async gather(block: { offset: number; length: number }, step: number): Promise<void> {
    await this.allReduce(step, 0, [block]);
    this.#everyoneContributed();
  }

  /** So everyone has the state, which may change now. */
  #everyoneContributed(): void {
    if (this.#offers) this.#bound.withdrawOffer();
    this.#offers = false;
  }

  /** Longest wait for a neighbour: as the coordinator says until this ring has shown how long its attempts take. */
  get #deadlineMs(): number {
    if (this.#slowestMs > 0) return ringDeadlineMs(this.#slowestMs / 1000);
    return this.#terms?.deadlineMs ?? ringDeadlineMs(0);
  }

  /** What the control words of all ranks name alike, if it is newer than this generation. */
  #agreement({ control }: LaneReading): number | null {
    const [named = 0, ...others] = control.slice(0, this.size).map(([word]) => word);
    return named > this.generation && others.every((word) => word === named) ? named : null;
  }

  get #bound(): Ring {
    if (this.#ring === null) throw new Error(`generation ${this.generation} is not bound`);
    return this.#ring;
  }

  /** Whatever comes of it is of no interest once the generation has ended. */
  async #current<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await Promise.race([work(), this.#lost]);
    } catch (error) {
      // Those that were asked for after the one that failed say only that the ring is closed.
      this.#waitedFor ??= peerIn(error);
      throw error;
    } finally {
      this.assertCurrent();
    }
  }
}
