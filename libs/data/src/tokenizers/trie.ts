const ROOT = 1;
/** Symbols are below this: code points are, and the symbols of an alphabet. */
const SYMBOLS = 0x200000;
const EMPTY = 0;

/**
 * A trie: values by sequences of symbols, as a hash table from a node and a symbol to a node, of 24 bytes an entry at
 * most half full.
 */
export class Trie {
  #keys = new Float64Array(1024);
  #children = new Int32Array(1024);
  /** By node, of which there are at most half as many as there are keys. */
  #values = new Int32Array(513);
  /** Nodes that there are; the root is the first. */
  #nodes = ROOT;

  /** @param symbols Integers from 0 to 2^21 − 1. @param value From 0; one that is there is replaced. */
  set(symbols: Iterable<number>, value: number): void {
    let node = ROOT;
    for (const symbol of symbols) node = this.#childOrNew(node, symbol);
    this.#values[node] = value + 1;
  }

  /** The node of no symbols. */
  get root(): number {
    return ROOT;
  }

  /** The node of a node's symbols and one more; 0 where no sequence goes on like this. */
  child(node: number, symbol: number): number {
    return this.#children[this.#slot(node * SYMBOLS + symbol)] ?? 0;
  }

  /** The value of a node's symbols; −1 where they have none. */
  value(node: number): number {
    return (this.#values[node] ?? 0) - 1;
  }

  #childOrNew(node: number, symbol: number): number {
    const key = node * SYMBOLS + symbol;
    const slot = this.#slot(key);
    const known = this.#children[slot] ?? 0;
    if (known !== 0) return known;
    const made = ++this.#nodes;
    this.#keys[slot] = key;
    this.#children[slot] = made;
    if (made === this.#values.length) this.#grow();
    return made;
  }

  /** Where a key is, or would be. */
  #slot(key: number): number {
    const keys = this.#keys;
    const mask = keys.length - 1;
    const mixed = Math.imul((key / SYMBOLS) | 0, 0x9e3779b1) ^ Math.imul(key | 0, 0x85ebca6b);
    let slot = (mixed ^ (mixed >>> 15)) & mask;
    for (let there = keys[slot]; there !== EMPTY && there !== key; there = keys[slot])
      slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const keys = this.#keys;
    const children = this.#children;
    this.#keys = new Float64Array(2 * keys.length);
    this.#children = new Int32Array(2 * keys.length);
    for (const [at, key] of keys.entries()) {
      if (key === EMPTY) continue;
      const slot = this.#slot(key);
      this.#keys[slot] = key;
      this.#children[slot] = children[at] ?? 0;
    }
    const values = new Int32Array(keys.length + 1);
    values.set(this.#values);
    this.#values = values;
  }
}
