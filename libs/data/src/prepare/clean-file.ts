import { sha256, type CleaningRule } from '@ringmaster/protocol';
import type { Document, FileReading } from '../document.js';
import { readDocuments } from '../readers/read.js';
import { cleanColumns, contentOf } from './content.js';

/** Files that are read and cleaned at one go. */
export interface CleanRequest {
  readonly readings: readonly FileReading[];
  readonly cleaning: readonly CleaningRule[];
}

export interface CleanedDocument extends Document {
  /** The rules that changed the texts. */
  readonly changed: readonly CleaningRule[];
  /** SHA-256 of the cleaned content. */
  readonly hash: string;
}

/** @throws What the readers throw. */
export async function* cleanFiles({
  readings,
  cleaning,
}: CleanRequest): AsyncGenerator<CleanedDocument> {
  for (const reading of readings) {
    for await (const document of readDocuments(reading)) {
      const { columns, changed } = cleanColumns(document.columns, cleaning);
      yield { ...document, columns, changed, hash: sha256(contentOf(columns)) };
    }
  }
}
