import { RingmasterError, type DataManifest, type DataSplit } from '@ringmaster/protocol';
import { nearDuplicateGroups } from '../clean/duplicates.js';
import type { Columns, Document } from '../document.js';
import { assignSplits } from '../splits.js';
import { cleanedDocuments } from './clean-pool.js';
import { annotationsOf, contentOf, textsOf } from './content.js';
import { ColumnFaults } from './faults.js';
import type { Progress } from './progress.js';
import type { Origin, Sources } from './request.js';

interface CleanDocument extends Omit<Document, 'faults'> {
  /** SHA-256 of the cleaned content. */
  readonly hash: string;
  readonly origin: Origin;
}

export interface SplitDocument extends CleanDocument {
  readonly split: DataSplit;
}

type Statistics = DataManifest['statistics'];

/** The documents that are kept, each in its split, and what became of the others. */
export interface Corpus {
  readonly documents: readonly SplitDocument[];
  readonly statistics: Omit<Statistics, 'unigramEntropy' | 'unknownTokens'>;
  readonly warnings: readonly string[];
}

/**
 * Reads, cleans, drops what is empty or an exact duplicate, and decides every document's split.
 * @throws DATA_COLUMN_MISSING, DATA_COLUMN_INVALID, DATA_SPLIT_EMPTY; what the readers throw
 */
export async function collectCorpus(
  sources: Sources,
  progress: Progress,
  threads: number,
): Promise<Corpus> {
  const { documents, read, dropped, cleaned } = await readClean(sources, progress, threads);
  progress.phase('duplicates', documents.length);
  const groups = nearDuplicateGroups(documents.map(({ columns }) => contentOf(columns)));

  const divided = [...documents.keys()].filter((index) => documents[index]?.origin === 'main');
  const assigned = assignSplits(
    divided.map((index) => ({
      hash: documents[index]?.hash ?? '',
      label: documents[index]?.columns.class ?? null,
      group: groups[index] ?? index,
    })),
    sources.fractions,
  );
  const drawn = new Map(divided.map((index, at) => [index, assigned[at] ?? 'train']));
  const placed = documents.map((document, index): SplitDocument => {
    const { origin } = document;
    return { ...document, split: origin === 'main' ? (drawn.get(index) ?? 'train') : origin };
  });

  requireDocuments(placed, groups, sources);
  const overlap = countOverlap(placed, groups);
  const warnings = Object.entries(overlap)
    .filter(([, count]) => count > 0)
    .map(
      ([split, count]) =>
        `${count} documents of the ${split} files are, or nearly are, in another split too`,
    );
  const conflicts = countConflicts(placed);
  if (conflicts > 0) warnings.push(`${conflicts} texts occur with more than one label`);
  return {
    documents: placed,
    statistics: { read, dropped, cleaned, nearDuplicates: countNearDuplicates(groups), overlap },
    warnings,
  };
}

async function readClean(sources: Sources, progress: Progress, threads: number) {
  const documents: CleanDocument[] = [];
  const dropped = { empty: 0, 'exact-duplicate': 0 };
  const cleaned: Record<string, number> = {};
  const seen = new Set<string>();
  const faults = new ColumnFaults();
  let read = 0;
  progress.phase('read');
  for (const origin of ['main', 'validation', 'test'] as const) {
    const source = sources[origin];
    if (source === null) continue;
    for await (const document of cleanedDocuments(source, threads)) {
      const { id, line, columns, hash } = document;
      progress.advance(++read);
      faults.add(document.faults);
      for (const rule of document.changed) cleaned[rule] = (cleaned[rule] ?? 0) + 1;
      const identity = JSON.stringify([origin, hash, annotationsOf(columns)]);
      if (isEmpty(columns)) dropped.empty++;
      else if (seen.has(identity)) dropped['exact-duplicate']++;
      else {
        seen.add(identity);
        documents.push({ id, line, columns, hash, origin });
      }
    }
  }
  faults.judge();
  return { documents, read, dropped, cleaned };
}

/** Whether one of the texts of a document is. */
function isEmpty(columns: Columns): boolean {
  return textsOf(columns).includes('');
}

function requireDocuments(
  documents: readonly SplitDocument[],
  groups: Int32Array,
  sources: Sources,
): void {
  const { fractions } = sources;
  const wanted: Record<DataSplit, boolean> = {
    train: true,
    validation: fractions.validation > 0 || sources.validation !== null,
    test: fractions.test > 0 || sources.test !== null,
  };
  for (const split of ['train', 'validation', 'test'] as const)
    if (wanted[split] && !documents.some((document) => document.split === split))
      throw new RingmasterError('DATA_SPLIT_EMPTY', {
        split,
        reason: whatIsLeft(documents, groups),
      });
}

/** What there is to divide. A group of near duplicates is on one side of every split, so it counts as one document. */
function whatIsLeft(documents: readonly SplitDocument[], groups: Int32Array): string {
  const count = documents.length;
  const apart = new Set(groups).size;
  const left = `${count} ${count === 1 ? 'document is' : 'documents are'} left after cleaning`;
  return apart === count
    ? left
    : `${left}, but they are only ${apart} ${apart === 1 ? 'group' : 'groups'} of near duplicates, ` +
        'each of which stays on one side';
}

/** For splits given as files: how many of their documents have a near duplicate in another split. */
function countOverlap(
  documents: readonly SplitDocument[],
  groups: Int32Array,
): Record<string, number> {
  const splitsOf = new Map<number, Set<DataSplit>>();
  for (const [index, { split }] of documents.entries()) {
    const group = groups[index] ?? index;
    const splits = splitsOf.get(group);
    if (splits === undefined) splitsOf.set(group, new Set([split]));
    else splits.add(split);
  }
  const overlap: Record<string, number> = {};
  for (const [index, { split, origin }] of documents.entries()) {
    if (origin === 'main') continue;
    const shared = (splitsOf.get(groups[index] ?? index)?.size ?? 1) > 1;
    overlap[split] = (overlap[split] ?? 0) + (shared ? 1 : 0);
  }
  return overlap;
}

function countConflicts(documents: readonly SplitDocument[]): number {
  const labels = new Map<string, Set<string | null>>();
  for (const { hash, columns } of documents) {
    const { class: label = null } = columns;
    const known = labels.get(hash);
    if (known === undefined) labels.set(hash, new Set([label]));
    else known.add(label);
  }
  return [...labels.values()].filter(({ size }) => size > 1).length;
}

function countNearDuplicates(groups: Int32Array): Statistics['nearDuplicates'] {
  const sizes = new Map<number, number>();
  for (const group of groups) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  const shared = [...sizes.values()].filter((size) => size > 1);
  return { documents: shared.reduce((sum, size) => sum + size, 0), groups: shared.length };
}
