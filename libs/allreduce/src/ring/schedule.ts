/**
 * The order of frames in a pipelined ring all-reduce (Patarasuk and Yuan, "Bandwidth optimal all-reduce algorithms
 * for clusters of workstations", 2009). Each bucket is split into N chunks; in phase p rank r sends chunk (r - p)
 * mod N to rank r + 1. In phases 0 to N-2 the receiver adds it (reduce-scatter), in phases N-1 to 2N-3 it overwrites
 * (all-gather). What a rank receives in phase p is what it sends in phase p + 1, segment by segment.
 */
export interface Segment {
  readonly phase: number;
  readonly bucket: number;
  /** Index of the segment in its chunk. */
  readonly segment: number;
  /** First element, counted from the start of the bucket. */
  readonly start: number;
  /** Elements; never 0. */
  readonly length: number;
}

/** Phases of an all-reduce among `size` ranks. */
export function phaseCount(size: number): number {
  return 2 * (size - 1);
}

/** Whether what arrives in a phase is added; else it overwrites. */
export function adds(phase: number, size: number): boolean {
  return phase < size - 1;
}

/** First element of part `index` when `length` elements are split into `parts` nearly equal parts. */
function boundary(length: number, parts: number, index: number): number {
  return Math.floor((length * index) / parts);
}

/**
 * Every segment that `sender` sends, in order: phase by phase, within a phase bucket by bucket. A chunk is cut into
 * equal segments of at most `segmentLength` elements; an empty chunk has none.
 */
export function sentBy(
  sender: number,
  size: number,
  lengths: readonly number[],
  segmentLength: number,
): Segment[] {
  const segments: Segment[] = [];
  for (let phase = 0; phase < phaseCount(size); phase++) {
    const chunk = (sender - phase + 2 * size) % size;
    for (const [bucket, bucketLength] of lengths.entries()) {
      const first = boundary(bucketLength, size, chunk);
      const length = boundary(bucketLength, size, chunk + 1) - first;
      const count = Math.ceil(length / segmentLength);
      for (let segment = 0; segment < count; segment++) {
        const start = boundary(length, count, segment);
        const end = boundary(length, count, segment + 1);
        segments.push({ phase, bucket, segment, start: first + start, length: end - start });
      }
    }
  }
  return segments;
}
