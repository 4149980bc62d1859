/** Disjoint sets of indices, each known by its smallest (union–find with path halving, Tarjan and van Leeuwen 1984). */
export class Groups {
  readonly #parents: Int32Array;

  constructor(count: number) {
    this.#parents = Int32Array.from({ length: count }, (_, index) => index);
  }

  find(index: number): number {
    for (;;) {
      const parent = this.#parents[index] ?? index;
      if (parent === index) return index;
      const beyond = this.#parents[parent] ?? parent;
      this.#parents[index] = beyond;
      index = beyond;
    }
  }

  join(one: number, other: number): void {
    const a = this.find(one);
    const b = this.find(other);
    this.#parents[Math.max(a, b)] = Math.min(a, b);
  }
}
