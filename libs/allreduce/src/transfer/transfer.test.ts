import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Chunk, CHUNK_BYTES } from './donor-frame.js';
import { type Ask, Transfer } from './transfer.js';

const HASHES = ['a', 'b'].map((digit) => digit.repeat(64));
const DEADLINE_MS = 10_000;

/** What happens to a donor when it is its turn; `answer` gives what it owes longest. */
const happening = fc.record({
  donor: fc.nat(3),
  what: fc.oneof(
    { weight: 8, arbitrary: fc.constant('answer' as const) },
    { weight: 1, arbitrary: fc.constantFrom('die' as const, 'withdraw' as const) },
  ),
  passed: fc.oneof(fc.nat(100), fc.nat(2_000)),
});

/** Donors that keep what they were asked for until they answer. Donor 0 never dies and never changes its offer. */
class Donors {
  readonly transfer: Transfer;
  readonly offers: (string | undefined)[];
  readonly #owed: Ask[][];
  readonly #dead = new Set<number>();
  /** Chunks taken in the present round. */
  taken: Chunk[] = [];
  #round = 0;
  now = 0;

  constructor(offers: readonly string[], length: number) {
    this.offers = [...offers];
    this.#owed = offers.map(() => []);
    this.transfer = new Transfer(offers.length, length, DEADLINE_MS, 0);
  }

  ask(): void {
    for (const ask of this.transfer.next(this.now)) {
      expect(this.#dead).not.toContain(ask.donor);
      if (ask.kind === 'chunk') expect(ask.sha256).toBe(this.transfer.sha256);
      this.#owed[ask.donor]!.push(ask);
      expect(this.#owed[ask.donor]!.length).toBeLessThanOrEqual(8);
    }
  }

  answer(donor: number): void {
    const ask = this.#owed[donor]!.shift();
    const sha256 = this.offers[donor];
    if (ask === undefined || sha256 === undefined) return;
    const { transfer } = this;
    if (ask.kind === 'offer') transfer.onOffer(donor, sha256, transfer.length, this.now);
    else if (ask.sha256 !== sha256) transfer.onWithdrawn(donor, ask.sha256, this.now);
    else if (transfer.onChunk(donor, ask, this.now)) {
      if (this.#round !== transfer.round) this.taken = [];
      this.#round = transfer.round;
      expect(ask.sha256).toBe(transfer.sha256);
      this.taken.push(ask);
    }
  }

  die(donor: number): void {
    this.#dead.add(donor);
    this.#owed[donor] = [];
    this.offers[donor] = undefined;
    this.transfer.onLost(donor, 'it died');
  }

  withdraw(donor: number): void {
    this.offers[donor] = HASHES.find((hash) => hash !== this.offers[donor]);
  }
}

describe('a transfer', () => {
  it('takes every chunk once, all under one hash, whatever becomes of all donors but one', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...HASHES), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 0, max: 20 * CHUNK_BYTES }),
        fc.array(happening, { maxLength: 200 }),
        (offers, length, happenings) => {
          const donors = new Donors(offers, length);
          const { transfer } = donors;
          for (const { donor, what, passed } of happenings) {
            donors.ask();
            donors.now += passed;
            const index = donor % offers.length;
            if (index === 0 || what === 'answer') donors.answer(index);
            else if (what === 'die') donors.die(index);
            else if (donors.offers[index] !== undefined) donors.withdraw(index);
          }
          // From now on only donor 0 does anything at all.
          for (let turn = 0; turn < 100 && !transfer.complete; turn++) {
            donors.now += 1_001;
            donors.ask();
            donors.answer(0);
          }
          expect(transfer.complete).toBe(true);
          expect(transfer.contiguous).toBe(length);
          const places = donors.taken.map(({ offset }) => offset).sort((a, b) => a - b);
          expect(places).toEqual(
            Array.from({ length: Math.ceil(length / CHUNK_BYTES) }, (_, k) => k * CHUNK_BYTES),
          );
        },
      ),
    );
  });
});
