import { Growing } from '../parts/growing.js';
import { HASH } from '../parts/part.js';
import type { CorpusPart } from './corpus-part.js';

/**
 * Chooses documents of parts: those whose content has the smallest SHA-256, and of equal ones those that come first. So a
 * larger number chooses the same documents and more. Takes 44 bytes a candidate.
 * @param isCandidate Whether a document can be chosen, by its split.
 * @returns For each part, 1 for each document that is chosen [N].
 */
export function chooseBySmallestHash(
  parts: readonly CorpusPart[],
  isCandidate: (split: number) => boolean,
  count: number,
): Uint8Array[] {
  const partOf = new Growing((length) => new Uint32Array(length));
  const placeOf = new Growing((length) => new Uint32Array(length));
  for (const [part, { splits }] of parts.entries())
    for (const [at, split] of splits.entries()) {
      if (!isCandidate(split)) continue;
      partOf.push(part);
      placeOf.push(at);
    }
  const hashes = Buffer.alloc(HASH * partOf.length);
  let next = 0;
  for (const { part, splits } of parts) {
    const ofPart = part.bytes('hashes');
    for (const [at, split] of splits.entries())
      if (isCandidate(split)) ofPart.copy(hashes, HASH * next++, HASH * at, HASH * (at + 1));
  }
  const order = Uint32Array.from({ length: partOf.length }, (_, index) => index).sort(
    (a, b) => hashes.compare(hashes, b * HASH, (b + 1) * HASH, a * HASH, (a + 1) * HASH) || a - b,
  );
  const chosen = parts.map(({ splits }) => new Uint8Array(splits.length));
  const [numbers, places] = [partOf.view(), placeOf.view()];
  for (const index of order.subarray(0, count)) {
    const ofPart = chosen[numbers[index] ?? 0];
    if (ofPart !== undefined) ofPart[places[index] ?? 0] = 1;
  }
  return chosen;
}
