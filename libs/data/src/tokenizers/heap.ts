/** A binary heap: `pop` gives the item that comes first by `before`, a strict total order. */
export class Heap<Item> {
  readonly #items: Item[] = [];
  readonly #before: (a: Item, b: Item) => boolean;

  constructor(before: (a: Item, b: Item) => boolean) {
    this.#before = before;
  }

  push(item: Item): void {
    const items = this.#items;
    let at = items.length;
    items.push(item);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = items[parent];
      if (above === undefined || !this.#before(item, above)) break;
      items[at] = above;
      at = parent;
    }
    items[at] = item;
  }

  pop(): Item | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (last === undefined || items.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      let least = items[child];
      if (least === undefined) break;
      const right = items[child + 1];
      if (right !== undefined && this.#before(right, least)) {
        child++;
        least = right;
      }
      if (!this.#before(least, last)) break;
      items[at] = least;
      at = child;
    }
    items[at] = last;
    return top;
  }
}
