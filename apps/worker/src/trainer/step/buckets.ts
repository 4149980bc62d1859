import type { Layout } from '@ringmaster/model';

/** A part of the gradients that is summed by itself, as soon as all of it is there. */
export interface Bucket {
  /** First element in the layout's address space. */
  readonly first: number;
  /** Elements, the gaps behind its tensors included. */
  readonly length: number;
  /** Tensors that lie in it. */
  readonly tensors: number;
}

/** Buckets of a layout, and who lies where. */
export interface Buckets {
  /** From the end of the address space to its beginning, which is about the order in which backward emits gradients. */
  readonly all: readonly Bucket[];
  /** The place in `all` of each tensor's bucket, by the tensor's index. */
  readonly ofTensor: readonly number[];
}

/** Fewer elements are not worth messages of their own. */
const LEAST_LENGTH = 16_384;

/**
 * What is left when backward ends is summed while nobody computes, so the last bucket should be small; but each costs
 * messages, and the ring's thread may take its time from one that computes. Embeddings are often as large as this.
 */
const LEAST_PART = 1 / 4;

/**
 * Cuts the gradients into buckets, as PyTorch's DistributedDataParallel does (Li et al., "PyTorch Distributed", 2020).
 * The cut follows from the layout alone, so it is the same on every rank; and since the sum is one of integers, it has
 * no effect on any byte.
 */
export function cutBuckets(layout: Layout): Buckets {
  const least = Math.max(LEAST_LENGTH, layout.length * LEAST_PART);
  const all: Bucket[] = [];
  const ofTensor: number[] = [];
  let end = layout.length;
  let tensors = 0;
  for (const { index, offset } of layout.tensors.toReversed()) {
    tensors++;
    ofTensor[index] = all.length;
    if (end - offset < least && index > 0) continue;
    all.push({ first: offset, length: end - offset, tensors });
    end = offset;
    tensors = 0;
  }
  return { all, ofTensor };
}
