import type { TrainerMessage } from '@ringmaster/protocol';
import { compare, hashOf, type State } from './state.js';

/** Watches a simulated run and fails where an invariant of docs/decisions/0006-generations.md does not hold. */
export class Witness {
  readonly #microbatches: number;
  readonly #lineage = new Map<string, number>();
  readonly #begun = new Map<number, string>();
  readonly #left = new Map<number, { readonly to: number; readonly at: State }>();
  readonly #promised = new Map<string, number>();
  /** Generations that begin after a failure or at first, oldest first. */
  readonly unplanned: number[] = [];
  switches = 0;

  /** @param microbatches Of each step. */
  constructor(microbatches: number) {
    this.#microbatches = microbatches;
  }

  /** One lineage; the fence; agreement: nobody goes on in a ring that another has left. */
  applied(trainer: string, generation: number, state: State): void {
    const position = place(state);
    const known = this.#lineage.get(position);
    assert(
      known === undefined || known === state.value,
      `one lineage: ${trainer} made ${hashOf(state.value).slice(0, 8)} at ${position}`,
    );
    this.#lineage.set(position, state.value);
    const promised = this.#promised.get(trainer) ?? 0;
    assert(generation >= promised, `fence: ${trainer} applied ${position} in ${generation}`);
    const left = this.#left.get(generation);
    assert(
      left === undefined || compare(state, left.at) <= 0,
      `agreement: ${trainer} applied ${position} in ${generation}, which others left for ${left?.to ?? 0}`,
    );
  }

  /** The fence: nothing is told of a generation that is over. */
  said(trainer: string, message: TrainerMessage): void {
    const promised = this.#promised.get(trainer) ?? 0;
    const isOfRing = ['started', 'retired', 'progress', 'finished'].includes(message.type);
    const isOver = 'generation' in message && message.generation < promised;
    assert(!isOfRing || !isOver, `fence: ${trainer} said ${message.type} after ${promised}`);
  }

  promises(trainer: string, generation: number): void {
    this.#promised.set(trainer, Math.max(generation, this.#promised.get(trainer) ?? 0));
  }

  /** The newest generation that a trainer has promised; 0 before the first. */
  promisedBy(trainer: string): number {
    return this.#promised.get(trainer) ?? 0;
  }

  /** Agreement: the members of a generation begin it at one position, and those of the ring before leave at that. */
  begins(trainer: string, generation: number, state: State): void {
    const position = place(state);
    const known = this.#begun.get(generation) ?? position;
    assert(known === position, `agreement: ${trainer} begins ${generation} at ${position}`);
    this.#begun.set(generation, position);
  }

  leaves(trainer: string, generation: number, to: number, at: State): void {
    const known = this.#left.get(generation) ?? { to, at };
    assert(
      known.to === to && compare(known.at, at) === 0,
      `agreement: ${trainer} leaves ${generation} for ${to} at ${place(at)}, others for ${known.to} at ${place(known.at)}`,
    );
    this.#left.set(generation, known);
    this.begins(trainer, to, at);
    this.switches++;
  }

  /** Exactly once: shares partition the microbatches, and everyone sums the same state's. */
  summed(
    generation: number,
    contributions: readonly { readonly state: State; readonly share: readonly number[] }[],
    isStep: boolean,
  ): void {
    const places = new Set(contributions.map(({ state }) => place(state)));
    assert(places.size === 1, `agreement: ${generation} sums ${[...places].join(', ')}`);
    if (!isStep) return;
    const microbatches = contributions.flatMap(({ share }) => share).sort((a, b) => a - b);
    const whole =
      microbatches.length === this.#microbatches && microbatches.every((m, at) => m === at);
    assert(whole, `exactly once: ${generation} sums ${microbatches.join(' ')}`);
  }

  /** No rollback without need: nobody who can be asked holds a newer state than the one that is begun from. */
  starts(
    generation: number,
    from: Pick<State, 'step' | 'evaluations'> | null,
    held: ReadonlyMap<string, State>,
  ): void {
    for (const [trainer, state] of held) {
      const kept = compare(state, from ?? { step: 0, evaluations: 0 }) <= 0;
      assert(kept, `no rollback: ${generation} begins behind ${place(state)} of ${trainer}`);
    }
  }
}

class Violation extends Error {
  override readonly name = 'Violation';
}

export function assert(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Violation(what);
}

function place({ step, evaluations }: State): string {
  return `${step}/${evaluations}`;
}
