import { RingmasterError } from '@ringmaster/protocol';
import type { SplitDocument } from './corpus.js';

export interface Labels {
  /** In the order of their ids; none where they are not used. */
  readonly names: readonly string[];
  /** Why they are not used, if they are not. */
  readonly warning: string | null;
}

/**
 * The labels of the train split. Where the task does not need them, those that cannot be learned are left aside.
 * @param needed Whether the task is to predict them.
 * @throws DATA_LABELS_MISSING, DATA_LABELS_USELESS; DATA_LABEL_UNKNOWN when another split has one that cannot be learned.
 */
export function collectLabels(documents: readonly SplitDocument[], needed: boolean): Labels {
  const train = documents.filter(({ split }) => split === 'train');
  const known = new Set(train.flatMap(({ columns }) => columns.class ?? []));
  const fault = faultOf(documents, known) ?? (needed ? uselessness(train, known) : null);
  if (fault === null) return { names: inOrder(known), warning: null };
  if (needed) throw fault;
  const isLabelled = documents.some(({ columns }) => (columns.class ?? null) !== null);
  return {
    names: [],
    warning: isLabelled ? `no label is used: ${lowerFirst(fault.message)}` : null,
  };
}

/**
 * The classes of the train split, of which a document has any number.
 * @throws DATA_LABELS_MISSING when it has none; DATA_LABEL_UNKNOWN when another split has one that cannot be learned.
 */
export function collectClasses(documents: readonly SplitDocument[]): string[] {
  const classesOf = ({ columns }: SplitDocument) => columns.classes ?? [];
  const train = documents.filter(({ split }) => split === 'train');
  const known = new Set(train.flatMap(classesOf));
  if (known.size === 0)
    throw new RingmasterError('DATA_LABELS_MISSING', { documents: train.length, first: null });
  const unknown = unknownName(documents, 'label', known, classesOf);
  if (unknown !== null) throw unknown;
  return inOrder(known);
}

function faultOf(
  documents: readonly SplitDocument[],
  known: ReadonlySet<string>,
): RingmasterError | null {
  const without = documents.filter(({ columns }) => (columns.class ?? null) === null);
  const [first] = without;
  if (first !== undefined) {
    const detail = { documents: without.length, first: placeOf(first) };
    return new RingmasterError('DATA_LABELS_MISSING', detail);
  }
  return unknownName(documents, 'label', known, ({ columns }) => columns.class ?? []);
}

/** The error of the first document with a name that no train document has; null where there is none. */
export function unknownName(
  documents: readonly SplitDocument[],
  what: 'label' | 'tag',
  known: ReadonlySet<string>,
  namesOf: (document: SplitDocument) => string | readonly string[],
): RingmasterError | null {
  for (const document of documents) {
    const { split, id } = document;
    const label = [namesOf(document)].flat().find((name) => !known.has(name));
    if (label !== undefined)
      return new RingmasterError('DATA_LABEL_UNKNOWN', { what, label, split, id });
  }
  return null;
}

function uselessness(
  train: readonly SplitDocument[],
  known: ReadonlySet<string>,
): RingmasterError | null {
  const [example = ''] = known;
  const isOwn = known.size === train.length && known.size > FEW;
  if (known.size !== 1 && !isOwn) return null;
  const detail = { labels: known.size, documents: train.length, example };
  return new RingmasterError('DATA_LABELS_USELESS', detail);
}

/** Up to this many documents, one of each class may be meant. */
const FEW = 8;

/** Where a document is, for messages. */
export function placeOf({ id, line }: Pick<SplitDocument, 'id' | 'line'>): string {
  return `${id.slice(0, id.lastIndexOf('#'))} line ${line}`;
}

const lowerFirst = (sentence: string): string =>
  sentence.slice(0, 1).toLowerCase() + sentence.slice(1);

/** Names in the order of their ids: by number where all are whole numbers, else by code unit. */
export function inOrder(known: ReadonlySet<string>): string[] {
  const labels = [...known];
  const numeric = labels.every((label) => /^\d{1,15}$/.test(label));
  return labels.sort((a, b) => (numeric ? Number(a) - Number(b) : a < b ? -1 : 1));
}
