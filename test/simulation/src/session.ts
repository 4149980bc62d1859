import { RingmasterError, type Interruption } from '@ringmaster/protocol';
import {
  GenerationEnded,
  type Command,
  type RingSession,
  type SessionOptions,
} from '@ringmaster/worker/generations';
import type { Process } from './process.js';
import type { Contribution, Ring, RingError, Sum, Waiting } from './ring.js';
import type { State } from './state.js';
import { assert } from './witness.js';

/** Where a trainer's sessions find each other, and are watched. */
export interface SessionWitness {
  begins(session: Session): void;
  ends(session: Session, abandon: boolean): void;
}

/** One rank's part in one generation, on a modelled ring. */
export class Session implements RingSession {
  readonly generation: number;
  readonly rank: number;
  readonly process: Process;
  readonly #witness: SessionWitness;
  readonly #ring: Ring;
  readonly #announced: () => number;
  readonly #rejections = new Set<(error: Error) => void>();
  #start: Command<'start'> | null = null;
  #firstStep: number | null = null;
  #agreed: number | null = null;
  #ended = false;
  #doing: { readonly what: Interruption['doing']; readonly since: number } | null = null;
  /** The state that others may take from here. */
  offer: State | null = null;

  constructor(process: Process, witness: SessionWitness, options: SessionOptions) {
    const { generation, rank, size, announced } = options;
    this.process = process;
    this.#witness = witness;
    this.generation = generation;
    this.rank = rank;
    this.#announced = announced;
    this.#ring = process.environment.ringOf(generation, size);
  }

  get agreed(): number | null {
    return this.#agreed;
  }

  /** Microbatches of the next step that this rank computes. */
  get share(): readonly number[] {
    const isFirst = this.process.present.step === this.#firstStep;
    const shares = isFirst ? this.#start?.firstShares : this.#start?.shares;
    return shares?.[this.rank] ?? [];
  }

  async bind(): Promise<{ endpoint: string; donor: string }> {
    await this.pause(this.#dice.between(0.5, 10));
    return { endpoint: this.#endpoint, donor: this.#endpoint };
  }

  async connect(start: Command<'start'>): Promise<void> {
    this.#start = start;
    this.does('link');
    const { seats, deadlineMs } = start;
    assert(seats[this.rank]?.endpoint === this.#endpoint, 'seats are told as bound');
    await this.#waits<null>((waiting) => {
      this.#ring.link(this.rank, waiting, deadlineMs);
    });
  }

  /** Takes the state from whoever offers it, once somebody does; what is withdrawn meanwhile is begun anew. */
  async fetchState(holders: readonly number[]): Promise<void> {
    this.does('transfer');
    const { process, generation, rank } = this;
    const { environment } = process;
    const { seats = [], deadlineMs = 0 } = this.#start ?? {};
    const due = environment.world.now + deadlineMs;
    const offerOf = (holder: number) => environment.offerAt(seats[holder]?.donor ?? '');
    process.state = null;
    for (;;) {
      const donor = this.#dice.pick(holders.filter((holder) => offerOf(holder) !== null)) ?? -1;
      const offer = offerOf(donor);
      await this.pause(offer === null ? 25 : this.#dice.between(1, 120));
      if (offer !== null && offerOf(donor) === offer) {
        process.state = offer;
        return;
      }
      if (environment.world.now > due)
        throw new RingmasterError('STATE_TRANSFER_FAILED', {
          rank,
          generation,
          donors: [],
          bytesReceived: 0,
          bytesToReceive: 1,
          reason: 'nobody offers it',
        });
    }
  }

  begin(offer: boolean): void {
    const { present } = this.process;
    this.#firstStep = present.step;
    this.offer = offer ? present : null;
    this.#witness.begins(this);
  }

  does(what: Interruption['doing'] | null): void {
    this.#doing = what === null ? null : { what, since: this.process.environment.world.now };
  }

  interruption(): Interruption | null {
    if (this.#doing === null) return null;
    const { what, since } = this.#doing;
    return {
      generation: this.generation,
      step: this.process.state?.step ?? 0,
      attempt: 1,
      doing: what,
      waitsFor: this.#ring.waitsFor(this.rank),
      seconds: (this.process.environment.world.now - since) / 1000,
    };
  }

  /** Sums what all ranks contribute. */
  async sum(key: string, share: readonly number[], worth: number, isStep: boolean): Promise<Sum> {
    const contribution: Contribution = {
      state: this.process.present,
      share,
      worth,
      named: this.#announced(),
    };
    const deadlineMs = this.#start?.deadlineMs ?? 0;
    const sum = await this.#waits<Sum>((waiting) => {
      this.#ring.sum(this.rank, key, contribution, waiting, { deadlineMs, isStep });
    });
    this.offer = null;
    const [first = 0] = sum.named;
    const isAgreed = first > this.generation && sum.named.every((other) => other === first);
    this.#agreed = isAgreed ? first : null;
    return sum;
  }

  /** Resolves after a while in which the process lives and is not stopped. */
  async pause(delayMs: number): Promise<void> {
    await this.#waits<null>((waiting) => {
      waiting.later(delayMs, () => {
        waiting.resolve(null);
      });
    });
  }

  async end({ abandon }: { readonly abandon: boolean }): Promise<void> {
    this.#ended = true;
    this.offer = null;
    this.#ring.leave(this.rank, abandon ? 'broken' : 'closed');
    this.#witness.ends(this, abandon);
    await this.process.pause(this.#dice.between(0, 100));
    for (const reject of this.#rejections) reject(new GenerationEnded());
    await this.process.pause(this.#dice.between(0, 100));
  }

  /** The process dies, and the sockets with it. */
  break(): void {
    this.#ring.leave(this.rank, 'broken');
  }

  /** Waits for something; what comes of it is of no interest once the session has ended. */
  async #waits<T>(begin: (waiting: Waiting<T>) => void): Promise<T> {
    let rejection: (error: Error) => void = () => undefined;
    try {
      return await new Promise<T>((resolve, reject) => {
        rejection = reject;
        this.#rejections.add(reject);
        begin({
          later: (delayMs, work) => {
            this.process.later(delayMs, work);
          },
          resolve,
          reject: (error) => {
            reject(this.#errorOf(error));
          },
        });
      });
    } finally {
      this.#rejections.delete(rejection);
      if (this.#ended) throw new GenerationEnded();
    }
  }

  #errorOf({ code, peer }: RingError): RingmasterError {
    const { generation, rank } = this;
    if (code === 'RING_LINK_FAILED')
      return new RingmasterError(code, { rank, peer, generation, endpoint: '', reason: 'refused' });
    return new RingmasterError(code, {
      rank,
      peer,
      generation,
      step: this.process.state?.step ?? 0,
      attempt: 1,
      waitingFor: 'data',
      phase: 0,
      bucket: 0,
      segment: 0,
      framesReceived: 0,
      framesSent: 0,
      framesToReceive: 1,
      framesToSend: 1,
      seconds: 0,
    });
  }

  get #endpoint(): string {
    return `${this.process.id}/${this.generation}`;
  }

  get #dice() {
    return this.process.environment.world.dice;
  }
}
