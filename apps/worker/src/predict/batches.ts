import { setImmediate as turn } from 'node:timers/promises';

/**
 * Items in batches of at most `size`. A batch is not kept waiting for more: it is as large as what is there when the input
 * pauses, so that whoever types a line has an answer, and a file is read in full batches.
 */
export async function* batches<Item>(
  items: AsyncIterable<Item>,
  size: number,
): AsyncGenerator<Item[]> {
  const iterator = items[Symbol.asyncIterator]();
  let next = iterator.next();
  for (;;) {
    const first = await next;
    if (first.done === true) return;
    const batch = [first.value];
    next = iterator.next();
    while (batch.length < size) {
      const ready = await Promise.race([next, turn(null)]);
      if (ready === null || ready.done === true) break;
      batch.push(ready.value);
      next = iterator.next();
    }
    yield batch;
  }
}
