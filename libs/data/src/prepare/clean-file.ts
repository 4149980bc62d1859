import { sha256 } from '@ringmaster/protocol';
import { cleanText, type Cleaned } from '../clean/clean.js';
import type { Document, FileReading } from '../document.js';
import { readDocuments } from '../readers/read.js';

/** Files that are read and cleaned at one go. */
export interface CleanRequest {
  readonly readings: readonly FileReading[];
  readonly markup: boolean;
}

export interface CleanedDocument extends Document, Cleaned {
  /** SHA-256 of the cleaned text. */
  readonly hash: string;
}

/** @throws What the readers throw. */
export async function* cleanFiles({
  readings,
  markup,
}: CleanRequest): AsyncGenerator<CleanedDocument> {
  for (const reading of readings) {
    for await (const { id, line, text: raw, label } of readDocuments(reading)) {
      const { text, changed } = cleanText(raw, markup);
      yield { id, line, text, label, changed, hash: sha256(text) };
    }
  }
}
