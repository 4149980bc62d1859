import { RingmasterError, type DataManifest, type DataSplit } from '@ringmaster/protocol';
import { nearDuplicateGroups } from '../clean/duplicates.js';
import { CleaningTally, type StepTally } from '../clean/tally.js';
import { DigestTable } from '../parts/digest-table.js';
import { HASH, IDENTITY, Part } from '../parts/part.js';
import type { MixtureSource } from '../readers/mixture.js';
import { assignSplits, splitNames } from '../splits.js';
import { chooseBySmallestHash } from './choice.js';
import { bytesOf, chunksOf, isLarge, sourceOf, type Chunk } from './chunks.js';
import { DROPPED, type CorpusPart, type SplitDocument } from './corpus-part.js';
import { ColumnFaults } from './faults.js';
import type { Sources } from './request.js';
import { KeptSignatures } from './signatures.js';
import type { Workplace } from './workplace.js';

type Statistics = DataManifest['statistics'];

/** The documents that are kept, each in its split, on disk; and what became of the others. */
export interface Corpus {
  readonly parts: readonly CorpusPart[];
  /** Documents that are kept. */
  readonly documents: number;
  /** Classes that any of them has. */
  readonly classes: number;
  /** What the steps of cleaning did, by their names. */
  readonly steps: Readonly<Record<string, StepTally>>;
  readonly statistics: Omit<Statistics, 'unigramEntropy' | 'unknownTokens'>;
  readonly warnings: readonly string[];
}

/**
 * Reads, cleans, drops what is empty or an exact duplicate, and decides every document's split. Of a document there are
 * no more than some numbers in memory: its text and its record lie in parts.
 * @throws DATA_COLUMN_MISSING, DATA_COLUMN_INVALID, DATA_SPLIT_EMPTY; what the readers throw
 */
export async function collectCorpus(sources: Sources, place: Workplace): Promise<Corpus> {
  const { parts, read, dropped, steps } = await readClean(sources, place);
  const beyond = applyLimits(parts, sources.mixture ?? []);
  const count = countKept(parts);
  if (isLarge(parts)) await place.tasks.rest();
  place.progress.phase('duplicates', { documents: count });
  const groups = nearDuplicateGroups(new KeptSignatures(parts));

  const { hashes, labels, classes } = recordsOf(parts, count);
  const divided = countKept(parts.filter(({ chunk }) => chunk.origin === 'main'));
  const drawn = assignSplits(
    {
      hashes: hashes.subarray(0, HASH * divided),
      labels: labels.subarray(0, divided),
      groups: groups.subarray(0, divided),
    },
    sources.fractions,
  );
  let next = 0;
  const splits = new Uint8Array(count);
  for (const { chunk, splits: ofPart } of parts)
    for (let at = 0; at < ofPart.length; at++) {
      if (ofPart[at] === DROPPED) continue;
      const split = chunk.origin === 'main' ? drawn[next] : splitNames.indexOf(chunk.origin);
      ofPart[at] = split ?? 0;
      splits[next++] = split ?? 0;
    }

  requireDocuments(splits, { groups, classes }, sources);
  const overlap = countOverlap(splits, groups, divided);
  const warnings = Object.entries(overlap)
    .filter(([, count]) => count > 0)
    .map(
      ([split, count]) =>
        `${count} documents of the ${split} files are, or nearly are, in another split too`,
    );
  const conflicts = classes === 0 ? 0 : countConflicts(hashes, labels);
  if (conflicts > 0) warnings.push(`${conflicts} texts occur with more than one label`);
  return {
    parts,
    documents: count,
    classes,
    steps,
    statistics: {
      read,
      dropped: {
        ...dropped,
        ...countsOf(steps, 'dropped'),
        ...(beyond === 0 ? {} : { limit: beyond }),
      },
      cleaned: countsOf(steps, 'changed'),
      nearDuplicates: countNearDuplicates(groups),
      overlap,
    },
    warnings,
  };
}

/** Drops what the sources of a mixture have beyond their limits. @returns how many documents */
function applyLimits(parts: readonly CorpusPart[], mixture: readonly MixtureSource[]): number {
  let dropped = 0;
  for (const [number, { limit }] of mixture.entries()) {
    if (limit === null) continue;
    const ofSource = parts.filter(({ chunk }) => sourceOf(chunk) === number);
    const chosen = chooseBySmallestHash(ofSource, (split) => split !== DROPPED, limit);
    for (const [part, { splits }] of ofSource.entries())
      for (const [at, split] of splits.entries())
        if (split !== DROPPED && chosen[part]?.[at] !== 1) {
          splits[at] = DROPPED;
          dropped++;
        }
  }
  return dropped;
}

/** The documents that are kept, in order. @param what All of their columns, or those that are no text. */
export function* documentsOf(
  { parts }: Pick<Corpus, 'parts'>,
  what: 'columns' | 'notes',
): Generator<SplitDocument> {
  for (const { part, chunk, before, splits } of parts) {
    const isKept = (at: number) => splits[at] !== DROPPED;
    const lines = part.numbers('lines');
    const idOf = identifier(part, chunk, before);
    for (const { at, columns } of what === 'notes' ? part.notes(isKept) : part.read(isKept)) {
      const split = splitNames[splits[at] ?? 0] ?? 'train';
      yield { id: idOf(at), line: lines[at] ?? 0, columns, split };
    }
  }
}

/** The ids of the documents of a part. */
export function identifier(part: Part, { readings }: Chunk, before: number) {
  const files = part.numbers('files');
  const numbers = part.numbers('numbers');
  return (at: number): string =>
    `${readings[files[at] ?? 0]?.file.name ?? ''}#${before + (numbers[at] ?? 0)}`;
}

async function readClean(sources: Sources, { progress, tasks, files }: Workplace) {
  const parts: CorpusPart[] = [];
  const dropped = { empty: 0, 'exact-duplicate': 0 };
  const steps = new CleaningTally();
  const faults = new ColumnFaults();
  let read = 0;
  const chunks = chunksOf(sources);
  progress.phase('read', { bytes: chunks.reduce((sum, chunk) => sum + bytesOf(chunk), 0) });
  const requests = chunks.map((chunk) => ({ chunk, parts: files.parts }));
  /** Of the origin and the file that is being read. */
  let seen = new DigestTable();
  let before = 0;
  let number = 0;
  for await (const answer of tasks.answers('clean', requests)) {
    const chunk = chunks[number];
    const last = chunks[number - 1];
    number++;
    if (chunk === undefined) throw new Error('there are more answers than chunks');
    if (chunk.origin !== last?.origin) seen = new DigestTable();
    const isSame = chunk.readings[0]?.file === last?.readings[0]?.file;
    if (chunk.origin !== last?.origin || !isSame) before = 0;
    for (const sha256 of answer.parts) {
      const part = new Part({ path: files.partPath(sha256), sha256 });
      const splits = withoutDuplicates(part, seen);
      for (const split of splits) if (split === DROPPED) dropped['exact-duplicate']++;
      parts.push({ part, chunk, before, splits });
    }
    before += answer.read;
    read += answer.read;
    dropped.empty += answer.empty;
    steps.add(answer.steps);
    faults.addCounted(answer.faults);
    progress.advance(answer.read, bytesOf(chunk));
  }
  faults.judge();
  return { parts, read, dropped, steps: steps.counted() };
}

/** Documents that each step changed or dropped, without those that did nothing of it. */
function countsOf(
  steps: Readonly<Record<string, StepTally>>,
  what: 'changed' | 'dropped',
): Record<string, number> {
  const counts = Object.entries(steps).map(([step, tally]) => [step, tally[what]] as const);
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

/** Documents of parts that are kept. */
function countKept(parts: readonly CorpusPart[]): number {
  let count = 0;
  for (const { splits } of parts) for (const split of splits) if (split !== DROPPED) count++;
  return count;
}

/** `DROPPED` for each document of a part that was seen before. */
function withoutDuplicates(part: Part, seen: DigestTable): Uint8Array {
  const identities = part.bytes('identities');
  return Uint8Array.from({ length: part.documents }, (_, at) => {
    const known = seen.size;
    return seen.add(identities, at * IDENTITY) < known ? DROPPED : 0;
  });
}

/** Hashes [32 K], labels [K] and the number of classes of the documents that are kept. */
function recordsOf(parts: readonly CorpusPart[], count: number) {
  const hashes = Buffer.alloc(HASH * count);
  const labels = new Int32Array(count);
  const classes = new Map<string, number>();
  let next = 0;
  for (const { part, splits } of parts) {
    const ofPart = part.bytes('hashes');
    const numbers = part.classNumbers();
    const ids = part.classes.map((name) => {
      const id = classes.get(name) ?? classes.size;
      classes.set(name, id);
      return id;
    });
    for (const [at, split] of splits.entries()) {
      if (split === DROPPED) continue;
      ofPart.copy(hashes, HASH * next, HASH * at, HASH * (at + 1));
      labels[next++] = ids[numbers[at] ?? -1] ?? -1;
    }
  }
  return { hashes, labels, classes: classes.size };
}

/** What documents are divided by: groups of near duplicates, and how many classes there are. */
interface Divided {
  readonly groups: Int32Array;
  readonly classes: number;
}

function requireDocuments(splits: Uint8Array, divided: Divided, sources: Sources): void {
  const { fractions } = sources;
  const wanted: Record<DataSplit, boolean> = {
    train: true,
    validation: fractions.validation > 0 || sources.validation !== null,
    test: fractions.test > 0 || sources.test !== null,
  };
  for (const [number, split] of splitNames.entries())
    if (wanted[split] && !splits.includes(number))
      throw new RingmasterError('DATA_SPLIT_EMPTY', { split, reason: whatIsLeft(divided) });
}

/** What there is to divide. A group of near duplicates is on one side of every split, so it counts as one document. */
function whatIsLeft({ groups, classes }: Divided): string {
  const count = groups.length;
  let apart = 0;
  for (const [index, group] of groups.entries()) if (group === index) apart++;
  const left = [`${count} ${count === 1 ? 'document is' : 'documents are'} left after cleaning`];
  if (apart < count)
    left.push(
      `but they are only ${apart} ${apart === 1 ? 'group' : 'groups'} of near duplicates, ` +
        'each of which stays on one side',
    );
  if (classes > 1)
    left.push(`and they have ${classes} classes, of each of which something stays for training`);
  return left.join(', ');
}

/** For splits given as files, whose documents come after `divided` others: how many have a near duplicate in another split. */
function countOverlap(
  splits: Uint8Array,
  groups: Int32Array,
  divided: number,
): Record<string, number> {
  /** By the group's first document, a bit for each split that it is in. */
  const splitsOf = new Uint8Array(groups.length);
  for (const [index, group] of groups.entries())
    splitsOf[group] = (splitsOf[group] ?? 0) | (1 << (splits[index] ?? 0));
  const overlap: Record<string, number> = {};
  for (let index = divided; index < groups.length; index++) {
    const split = splits[index] ?? 0;
    const name = splitNames[split] ?? 'train';
    const isShared = splitsOf[groups[index] ?? index] !== 1 << split;
    overlap[name] = (overlap[name] ?? 0) + (isShared ? 1 : 0);
  }
  return overlap;
}

/** Contents that occur with more than one label. */
function countConflicts(hashes: Buffer, labels: Int32Array): number {
  const seen = new DigestTable();
  const first = new Int32Array(labels.length);
  const isConflict = new Uint8Array(labels.length);
  for (const [index, label] of labels.entries()) {
    const known = seen.size;
    const content = seen.add(hashes, index * HASH);
    if (content === known) first[content] = label;
    else if (first[content] !== label) isConflict[content] = 1;
  }
  return isConflict.reduce((sum, bit) => sum + bit, 0);
}

function countNearDuplicates(groups: Int32Array): Statistics['nearDuplicates'] {
  const sizes = new Uint32Array(groups.length);
  for (const group of groups) sizes[group] = (sizes[group] ?? 0) + 1;
  let documents = 0;
  let shared = 0;
  for (const size of sizes)
    if (size > 1) {
      documents += size;
      shared++;
    }
  return { documents, groups: shared };
}
