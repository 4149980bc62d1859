/**
 * Does work for each of a list, `most` at a time, and begins none any more once one has failed.
 * @returns What came of each, in their order
 */
export async function sideBySide<T, Done>(
  all: readonly T[],
  most: number,
  work: (each: T) => Promise<Done>,
): Promise<Done[]> {
  const done: Done[] = [];
  let hasFailed = false;
  const left = all.entries();
  const worker = async () => {
    for (const [at, each] of left) {
      if (hasFailed) return;
      try {
        done[at] = await work(each);
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: most }, worker));
  return done;
}
