import { createHash } from 'node:crypto';
import type { DataSplit } from '@ringmaster/protocol';
import { Growing } from './parts/growing.js';
import { HASH } from './parts/part.js';

/** What splits are decided from: nothing but content. */
export interface SplitCandidates {
  /** SHA-256 of each document's content, one behind the other [32 N]. */
  readonly hashes: Buffer;
  /** A number for each document's label [N]. */
  readonly labels: Int32Array;
  /** For each document the first of its near duplicates [N]. A group is on one side. */
  readonly groups: Int32Array;
}

export interface SplitFractions {
  readonly validation: number;
  readonly test: number;
}

/** Splits by their numbers in a `Uint8Array`. */
export const splitNames: readonly DataSplit[] = ['train', 'validation', 'test'];
const TRAIN = splitNames.indexOf('train');
const VALIDATION = splitNames.indexOf('validation');
const TEST = splitNames.indexOf('test');

/** How far a label's share of a split may be from its fraction before the order of hashes decides instead. */
const TOLERANCE = 0.25;

/**
 * The split of each document, as its number in `splitNames`. A group's place in [0, 1) is a hash of the smallest hash of
 * its texts: below `test` it is held out for testing, from `1 - validation` up it is for validation. No seed and no order
 * enters, so every job with one fraction holds out the same documents, a larger fraction holds out more besides, and new
 * documents move no old one.
 *
 * Within each label the share is therefore that of a random draw; where it would be off by more than a quarter (small
 * corpora), the groups of smallest (test) or largest (validation) place fill it up or leave it. A group has the label of
 * its smallest hash.
 */
export function assignSplits(candidates: SplitCandidates, fractions: SplitFractions): Uint8Array {
  const { hashes, labels, groups } = candidates;
  const roots = new Growing((length) => new Uint32Array(length));
  /** By the group's first document, its document of the smallest hash. */
  const smallest = Int32Array.from(groups, (group, index) => {
    if (group === index) roots.push(index);
    return index;
  });
  const compare = (a: number, b: number) =>
    hashes.compare(hashes, b * HASH, (b + 1) * HASH, a * HASH, (a + 1) * HASH);
  for (const [index, group] of groups.entries())
    if (group !== index && compare(index, smallest[group] ?? group) < 0) smallest[group] = index;

  const labelOf = (root: number) => labels[smallest[root] ?? root] ?? 0;
  const groupLabels = Int32Array.from(roots.view(), labelOf);
  // Hashed again: the smallest of many hashes is itself not uniform.
  const places = Buffer.alloc(HASH * roots.length);
  for (const [group, root] of roots.view().entries()) {
    const at = (smallest[root] ?? root) * HASH;
    const hash = hashes.toString('hex', at, at + HASH);
    createHash('sha256')
      .update(hash)
      .digest()
      .copy(places, group * HASH);
  }
  const splits = splitGroups(places, groupLabels, fractions);
  const ofRoot = new Uint8Array(groups.length);
  for (const [group, root] of roots.view().entries()) ofRoot[root] = splits[group] ?? TRAIN;
  return Uint8Array.from(groups, (group) => ofRoot[group] ?? TRAIN);
}

/** The split of each group from its place [32 G] and its label [G]. */
function splitGroups(places: Buffer, labels: Int32Array, fractions: SplitFractions): Uint8Array {
  const count = labels.length;
  /** The first 52 bits of a place, as a number in [0, 1). */
  const placeOf = (group: number) =>
    (places.readUIntBE(group * HASH, 6) * 16 + ((places[group * HASH + 6] ?? 0) >> 4)) / 2 ** 52;
  const byPlace = Uint32Array.from({ length: count }, (_, group) => group).sort(
    (a, b) =>
      (labels[a] ?? 0) - (labels[b] ?? 0) ||
      places.compare(places, b * HASH, (b + 1) * HASH, a * HASH, (a + 1) * HASH),
  );
  const splits = new Uint8Array(count).fill(TRAIN);
  for (let start = 0; start < count;) {
    const label = labels[byPlace[start] ?? 0];
    let end = start;
    let below = 0;
    let above = 0;
    for (; end < count && labels[byPlace[end] ?? 0] === label; end++) {
      const place = placeOf(byPlace[end] ?? 0);
      if (place < fractions.test) below++;
      if (place >= 1 - fractions.validation) above++;
    }
    const { validation, test } = shares({ groups: end - start, below, above }, fractions);
    for (let at = start; at < start + test; at++) splits[byPlace[at] ?? 0] = TEST;
    for (let at = end - validation; at < end; at++) splits[byPlace[at] ?? 0] = VALIDATION;
    start = end;
  }
  return splits;
}

/** Groups of one label, and those of them whose places are drawn for testing and for validation. */
interface Drawn {
  readonly groups: number;
  readonly below: number;
  readonly above: number;
}

/** How many groups of one label are for testing and for validation; at least one stays for training. */
function shares({ groups, below, above }: Drawn, fractions: SplitFractions): SplitFractions {
  const spare = groups - 1;
  const share = (fraction: number, drawn: number) => {
    const wanted = fraction * groups;
    const least = Math.max(Math.floor((1 - TOLERANCE) * wanted), wanted >= 1 ? 1 : 0);
    return Math.min(Math.max(drawn, least), Math.ceil((1 + TOLERANCE) * wanted));
  };
  const test = Math.min(share(fractions.test, below), spare);
  return { test, validation: Math.min(share(fractions.validation, above), spare - test) };
}
