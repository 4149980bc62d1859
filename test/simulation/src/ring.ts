import type { State } from './state.js';
import type { Witness } from './witness.js';
import type { World } from './world.js';

/** Why a rank's link or sum failed, and whom it waited for. */
export interface RingError {
  readonly code: 'RING_PEER_LOST' | 'RING_PEER_SILENT' | 'RING_LINK_FAILED';
  readonly peer: number;
}

export interface Contribution {
  readonly state: State;
  readonly share: readonly number[];
  readonly worth: number;
  /** The generation that the control lane names. */
  readonly named: number;
}

export interface Sum {
  readonly worth: number;
  readonly named: readonly number[];
}

/** What a rank waits for. It is told through its own process, which may be stopped or dead by then. */
export interface Waiting<T> {
  later(delayMs: number, work: () => void): void;
  resolve(value: T): void;
  reject(error: RingError): void;
}

interface Operation {
  readonly contributions: Map<number, Contribution>;
  readonly waiting: Map<number, Waiting<Sum>>;
  readonly isStep: boolean;
}

/** Frames for a neighbour that has closed in order leave within this time. */
const LINGER_MS = 1000;

/**
 * The ring of one generation, modelled: a sum completes for a rank only if all ranks contributed, and then some ranks
 * may see it complete while others see a neighbour die.
 */
export class Ring {
  readonly #world: World;
  readonly #witness: Witness;
  readonly #generation: number;
  readonly #size: number;
  readonly #linking = new Map<number, Waiting<null>>();
  readonly #connected = new Set<number>();
  readonly #gone = new Set<number>();
  readonly #operations = new Map<string, Operation>();

  constructor(world: World, witness: Witness, generation: number, size: number) {
    this.#world = world;
    this.#witness = witness;
    this.#generation = generation;
    this.#size = size;
  }

  link(rank: number, waiting: Waiting<null>, deadlineMs: number): void {
    this.#connected.add(rank);
    this.#linking.set(rank, waiting);
    const refused = this.#gone.has(this.#after(rank));
    const after = refused ? this.#world.dice.between(1, 20) : deadlineMs;
    const peer = this.#gone.has(this.#after(rank)) ? this.#after(rank) : this.#before(rank);
    waiting.later(after, () => {
      if (this.#linking.delete(rank)) waiting.reject({ code: 'RING_LINK_FAILED', peer });
    });
    for (const [other, linking] of this.#linking) {
      const neighbours = [this.#before(other), this.#after(other)];
      if (!neighbours.every((neighbour) => this.#connected.has(neighbour))) continue;
      if (neighbours.some((neighbour) => this.#gone.has(neighbour))) continue;
      linking.later(this.#world.dice.between(0.5, 10), () => {
        if (this.#linking.delete(other)) linking.resolve(null);
      });
    }
  }

  sum(
    rank: number,
    key: string,
    contribution: Contribution,
    waiting: Waiting<Sum>,
    { deadlineMs, isStep }: { deadlineMs: number; isStep: boolean },
  ): void {
    const operation = this.#operations.get(key) ?? {
      contributions: new Map<number, Contribution>(),
      waiting: new Map(),
      isStep,
    };
    this.#operations.set(key, operation);
    operation.contributions.set(rank, contribution);
    operation.waiting.set(rank, waiting);
    if (operation.contributions.size === this.#size) {
      this.#complete(operation);
      return;
    }
    const lost = [this.#before(rank), this.#after(rank)].find((other) => this.#gone.has(other));
    if (lost !== undefined) this.#lose(operation, rank, lost);
    waiting.later(deadlineMs, () => {
      this.#fail(operation, rank, { code: 'RING_PEER_SILENT', peer: this.#before(rank) });
    });
  }

  /** Whom a rank waits for in a sum that has not completed. */
  waitsFor(rank: number): number | null {
    for (const { contributions, waiting } of this.#operations.values()) {
      if (!waiting.has(rank) || contributions.size === this.#size) continue;
      return this.#before(rank);
    }
    return null;
  }

  /** A rank closes its sockets in order, or they break. */
  leave(rank: number, how: 'closed' | 'broken'): void {
    if (this.#gone.has(rank)) return;
    this.#gone.add(rank);
    for (const operation of this.#operations.values()) {
      const complete = operation.contributions.size === this.#size;
      for (const neighbour of new Set([this.#before(rank), this.#after(rank)])) {
        if (!operation.waiting.has(neighbour) || neighbour === rank) continue;
        if (complete && (how === 'closed' || this.#world.dice.chance(0.5))) continue;
        this.#lose(operation, neighbour, rank);
      }
      operation.waiting.delete(rank);
    }
    this.#linking.delete(rank);
  }

  #complete(operation: Operation): void {
    const contributions = [...operation.contributions].sort(([a], [b]) => a - b);
    const values = contributions.map(([, value]) => value);
    this.#witness.summed(this.#generation, values, operation.isStep);
    const sum = {
      worth: values.reduce((total, { worth }) => (total + worth) | 0, 0),
      named: values.map(({ named }) => named),
    };
    for (const [rank, waiting] of operation.waiting) {
      const { dice } = this.#world;
      const delay = dice.chance(0.05) ? dice.between(15, 300) : dice.between(0.2, 15);
      const due = this.#world.now + delay;
      waiting.later(delay, () => {
        // Who was stopped for so long finds that its neighbours have left with what it had not received.
        const late = this.#world.now - due > LINGER_MS && this.#gone.size > 0;
        if (late) this.#fail(operation, rank, { code: 'RING_PEER_LOST', peer: this.#before(rank) });
        else if (operation.waiting.delete(rank)) waiting.resolve(sum);
      });
    }
  }

  #lose(operation: Operation, rank: number, peer: number): void {
    const waiting = operation.waiting.get(rank);
    waiting?.later(this.#world.dice.between(1, 150), () => {
      this.#fail(operation, rank, { code: 'RING_PEER_LOST', peer });
    });
  }

  #fail(operation: Operation, rank: number, error: RingError): void {
    const waiting = operation.waiting.get(rank);
    if (operation.waiting.delete(rank)) waiting?.reject(error);
  }

  #before(rank: number): number {
    return (rank + this.#size - 1) % this.#size;
  }

  #after(rank: number): number {
    return (rank + 1) % this.#size;
  }
}
