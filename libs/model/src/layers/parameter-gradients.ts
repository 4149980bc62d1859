import type { Tensor } from '@ringmaster/tensorflow';
import type { Add, Holds } from './holds.js';

/** Takes the gradient of one parameter, summed over the microbatch; the tensor is freed when it returns. */
export type Emit = (name: string, gradient: Tensor) => void;

/** Says of a parameter whether it is trained. */
export type Trains = (name: string) => boolean;

/**
 * The gradients of the trained parameters of a pass. One that is used in several places has a share from each; it is
 * emitted with the last of them and not before.
 */
export class ParameterGradients {
  readonly #holds: Holds;
  readonly #emit: Emit;
  readonly trains: Trains;
  readonly #uses = new Map<string, number>();
  readonly #sums = new Map<string, Tensor>();

  constructor(holds: Holds, emit: Emit, trains: Trains) {
    this.#holds = holds;
    this.#emit = emit;
    this.trains = trains;
  }

  /** Announces a share for each of these. */
  use(names: readonly string[]): void {
    for (const name of names.filter(this.trains))
      this.#uses.set(name, (this.#uses.get(name) ?? 0) + 1);
  }

  give(name: string, add: Add): void {
    if (!this.trains(name)) return;
    const left = (this.#uses.get(name) ?? 0) - 1;
    if (left < 0) throw new Error(`${name} has a share of its gradient that was not announced`);
    this.#uses.set(name, left);
    const sum = this.#holds.added(this.#sums.get(name) ?? null, add);
    if (left > 0) {
      this.#sums.set(name, sum);
      return;
    }
    this.#sums.delete(name);
    this.#emit(name, sum);
    this.#holds.drop(sum);
  }
}
