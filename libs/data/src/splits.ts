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
  const placeOf = (group: number): Buffer => {
    const root = roots.view()[group] ?? 0;
    const at = (smallest[root] ?? root) * HASH;
    // Hashed again: the smallest of many hashes is itself not uniform.
    return createHash('sha256')
      .update(hashes.toString('hex', at, at + HASH))
      .digest();
  };
  const splits = splitGroups(new Places(roots.length, placeOf), groupLabels, fractions);
  const ofRoot = new Uint8Array(groups.length);
  for (const [group, root] of roots.view().entries()) ofRoot[root] = splits[group] ?? TRAIN;
  return Uint8Array.from(groups, (group) => ofRoot[group] ?? TRAIN);
}

/** Places of groups. Of each no more is in memory than its beginning: two that have the same are asked for again. */
class Places {
  readonly #beginnings: Buffer;
  readonly #placeOf: (group: number) => Buffer;

  /** @param placeOf The place of a group, of 32 bytes. */
  constructor(count: number, placeOf: (group: number) => Buffer) {
    this.#beginnings = Buffer.alloc(BEGINNING * count);
    this.#placeOf = placeOf;
    for (let group = 0; group < count; group++)
      placeOf(group).copy(this.#beginnings, group * BEGINNING, 0, BEGINNING);
  }

  /** The first 52 bits of a place, as a number in [0, 1). */
  fraction(group: number): number {
    const at = group * BEGINNING;
    const next = (this.#beginnings[at + 6] ?? 0) >> 4;
    return (this.#beginnings.readUIntBE(at, 6) * 16 + next) / 2 ** 52;
  }

  compare(one: number, other: number): number {
    const [a, b] = [one * BEGINNING, other * BEGINNING];
    const beginnings = this.#beginnings;
    const order = beginnings.compare(beginnings, b, b + BEGINNING, a, a + BEGINNING);
    return order === 0 && one !== other ? this.#placeOf(one).compare(this.#placeOf(other)) : order;
  }
}

/** Bytes of a place that are in memory. */
const BEGINNING = 8;

/** The split of each group from its place and its label [G]. */
function splitGroups(places: Places, labels: Int32Array, fractions: SplitFractions): Uint8Array {
  const count = labels.length;
  const byPlace = Uint32Array.from({ length: count }, (_, group) => group).sort(
    (a, b) => (labels[a] ?? 0) - (labels[b] ?? 0) || places.compare(a, b),
  );
  const splits = new Uint8Array(count).fill(TRAIN);
  for (let start = 0; start < count;) {
    const label = labels[byPlace[start] ?? 0];
    let end = start;
    let below = 0;
    let above = 0;
    for (; end < count && labels[byPlace[end] ?? 0] === label; end++) {
      const place = places.fraction(byPlace[end] ?? 0);
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
