import { sha256, type DataSplit } from '@ringmaster/protocol';

/** What a split is decided from: nothing but content. */
export interface SplitCandidate {
  /** SHA-256 of the cleaned text. */
  readonly hash: string;
  readonly label: string | null;
  /** Near duplicates share a group, and a group is on one side. */
  readonly group: number;
}

export interface SplitFractions {
  readonly validation: number;
  readonly test: number;
}

/** How far a label's share of a split may be from its fraction before the order of hashes decides instead. */
const TOLERANCE = 0.25;

interface Group {
  /** Smallest hash of the group's texts. */
  first: string;
  label: string | null;
  readonly members: number[];
}

interface PlacedGroup {
  /** 256 bits in hexadecimal, read as a number in [0, 1). */
  readonly place: string;
  readonly members: readonly number[];
}

/**
 * The split of each document. A group's place in [0, 1) is a hash of the smallest hash of its texts: below `test` it is held out
 * for testing, from `1 - validation` up it is for validation. No seed and no order enters, so every job with one fraction
 * holds out the same documents, a larger fraction holds out more besides, and new documents move no old one.
 *
 * Within each label the share is therefore that of a random draw; where it would be off by more than a quarter (small
 * corpora), the groups of smallest (test) or largest (validation) place fill it up or leave it.
 */
export function assignSplits(
  candidates: readonly SplitCandidate[],
  fractions: SplitFractions,
): DataSplit[] {
  const groups = new Map<number, Group>();
  for (const [index, { hash, label, group }] of candidates.entries()) {
    const known = groups.get(group);
    if (known === undefined) {
      groups.set(group, { first: hash, label, members: [index] });
      continue;
    }
    known.members.push(index);
    if (hash < known.first) {
      known.first = hash;
      known.label = label;
    }
  }

  const strata = new Map<string | null, PlacedGroup[]>();
  for (const group of groups.values()) {
    const stratum = strata.get(group.label);
    // Hashed again: the smallest of many hashes is itself not uniform.
    const placed = { place: sha256(group.first), members: group.members };
    if (stratum === undefined) strata.set(group.label, [placed]);
    else stratum.push(placed);
  }

  const splits = candidates.map((): DataSplit => 'train');
  for (const stratum of strata.values()) {
    stratum.sort((a, b) => (a.place < b.place ? -1 : 1));
    const { validation, test } = shares(stratum, fractions);
    for (const [rank, { members }] of stratum.entries()) {
      const split =
        rank < test ? 'test' : rank >= stratum.length - validation ? 'validation' : 'train';
      for (const member of members) splits[member] = split;
    }
  }
  return splits;
}

/** How many groups of one label are for testing and for validation; at least one stays for training. */
function shares(stratum: readonly PlacedGroup[], fractions: SplitFractions): SplitFractions {
  const spare = stratum.length - 1;
  const places = stratum.map(({ place }) => parseInt(place.slice(0, 13), 16) / 2 ** 52);
  const share = (fraction: number, drawn: number) => {
    const wanted = fraction * stratum.length;
    const least = Math.max(Math.floor((1 - TOLERANCE) * wanted), wanted >= 1 ? 1 : 0);
    return Math.min(Math.max(drawn, least), Math.ceil((1 + TOLERANCE) * wanted));
  };
  const below = places.filter((place) => place < fractions.test).length;
  const above = places.filter((place) => place >= 1 - fractions.validation).length;
  const test = Math.min(share(fractions.test, below), spare);
  return { test, validation: Math.min(share(fractions.validation, above), spare - test) };
}
