type NumberArray = Uint8Array | Uint16Array | Int32Array | Uint32Array | Float64Array;

/** An array of numbers that grows as they are appended. */
export class Growing<Values extends NumberArray> {
  readonly #make: (length: number) => Values;
  #values: Values;
  #length = 0;

  constructor(make: (length: number) => Values) {
    this.#make = make;
    this.#values = make(0);
  }

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    this.#reserve(1);
    this.#values[this.#length++] = value;
  }

  append(values: ArrayLike<number>): void {
    this.#reserve(values.length);
    this.#values.set(values, this.#length);
    this.#length += values.length;
  }

  /** The value at a place that was appended. */
  at(place: number): number {
    return this.#values[place] ?? 0;
  }

  /** Changes it. */
  set(place: number, value: number): void {
    this.#values[place] = value;
  }

  /** Leaves the first values only. */
  shorten(length: number): void {
    this.#length = Math.min(this.#length, length);
  }

  /** What was appended, as a view; whatever is appended next may move it. */
  view(): Values {
    return this.#values.subarray(0, this.#length) as Values;
  }

  /** What was appended, in an array of its own; this one is empty afterwards. */
  take(): Values {
    const taken = this.#values.slice(0, this.#length) as Values;
    this.#length = 0;
    return taken;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#values.length) return;
    const larger = this.#make(Math.max(needed, Math.ceil(1.5 * this.#values.length), 16));
    larger.set(this.view());
    this.#values = larger;
  }
}
