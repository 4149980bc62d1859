import type { Runtime, Tensor } from '@ringmaster/tensorflow';

/**
 * Adds one share to a sum of gradients, which is null for the first share. It may write into the sum, which it then
 * returns or frees, where nobody else reads that.
 */
export type Add = (sum: Tensor | null) => Tensor;

/** Counts of what still needs a tensor: it is freed when nothing does. Scopes of the runtime do not free what is held. */
export class Holds {
  readonly #counts = new Map<Tensor, number>();
  readonly #runtime: Runtime;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  hold(tensor: Tensor): void {
    const count = this.#counts.get(tensor) ?? 0;
    if (count === 0) this.#runtime.keep(tensor);
    this.#counts.set(tensor, count + 1);
  }

  drop(tensor: Tensor): void {
    const count = (this.#counts.get(tensor) ?? 0) - 1;
    if (count < 0) throw new Error('A tensor is dropped that nobody holds');
    if (count > 0) this.#counts.set(tensor, count);
    else {
      this.#counts.delete(tensor);
      this.#runtime.free(tensor);
    }
  }

  /** A sum of gradients with one more share; it is held as the sum was. */
  added(sum: Tensor | null, add: Add): Tensor {
    const total = add(sum);
    if (sum === null || total !== sum) this.hold(total);
    if (sum === null) return total;
    const isShared = (this.#counts.get(sum) ?? 0) > 1;
    if (isShared && (total === sum || !sum.alive))
      throw new Error('A gradient is written into that is read elsewhere');
    if (total !== sum) this.drop(sum);
    return total;
  }

  /** Frees everything that is held. */
  clear(): void {
    this.#runtime.free([...this.#counts.keys()]);
    this.#counts.clear();
  }
}
