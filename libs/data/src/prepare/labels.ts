import { RingmasterError } from '@ringmaster/protocol';
import type { SplitDocument } from './corpus.js';

/**
 * The labels of the train split in the order of their ids: by number where all are whole numbers, else by code unit.
 * None when a document has no label.
 * @throws DATA_LABEL_UNKNOWN when another split has a label that cannot be learned.
 */
export function collectLabels(documents: readonly SplitDocument[]): string[] {
  if (documents.some(({ label }) => label === null)) return [];
  const known = new Set<string>();
  for (const { split, label } of documents)
    if (split === 'train' && label !== null) known.add(label);
  for (const { split, label, id } of documents)
    if (label !== null && !known.has(label))
      throw new RingmasterError('DATA_LABEL_UNKNOWN', { label, split, id });
  const labels = [...known];
  const numeric = labels.every((label) => /^\d{1,15}$/.test(label));
  return labels.sort((a, b) => (numeric ? Number(a) - Number(b) : a < b ? -1 : 1));
}
