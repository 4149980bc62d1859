import { Ring } from './ring.js';
import { FIRST, positionOf, type State } from './state.js';
import { Witness } from './witness.js';
import { World } from './world.js';

/** What trainers and workers live in: time, chance, the rings between them, and a store of checkpoints. */
export class Environment {
  readonly world: World;
  readonly witness: Witness;
  /** What each trainer offers to others of a generation now, by its identity. */
  readonly offers = new Map<string, (generation: number) => State | null>();
  readonly #rings = new Map<number, Ring>();
  readonly #checkpoints = new Map<string, State>();

  /** @param microbatches Of each step. */
  constructor(seed: number, microbatches: number, records: boolean) {
    this.world = new World(seed, records);
    this.witness = new Witness(microbatches);
  }

  ringOf(generation: number, size: number): Ring {
    const ring =
      this.#rings.get(generation) ?? new Ring(this.world, this.witness, generation, size);
    this.#rings.set(generation, ring);
    return ring;
  }

  /** The state that is offered at an address now, or null. */
  offerAt(address: string): State | null {
    const [trainer = '', generation] = address.split('/');
    return this.offers.get(trainer)?.(Number(generation)) ?? null;
  }

  keep(state: State): string {
    const { stateHash } = positionOf(state);
    this.#checkpoints.set(stateHash, state);
    return stateHash;
  }

  checkpoint(manifest: string): State {
    return this.#checkpoints.get(manifest) ?? FIRST;
  }
}
