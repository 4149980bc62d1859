import type { DataSplit } from '@ringmaster/protocol';
import type { Columns } from '../document.js';
import type { Part } from '../parts/part.js';
import type { Chunk } from './chunks.js';

/** A document that is kept, in its split. */
export interface SplitDocument {
  /** Stable across machines: file name relative to the files' common directory, '#', index in the file. */
  readonly id: string;
  /** Line of the file where it begins, from 1. */
  readonly line: number;
  readonly columns: Columns;
  readonly split: DataSplit;
}

/** In place of a split's number: of a document that is an exact duplicate. */
export const DROPPED = 255;

/** A part of the corpus, and what became of its documents. */
export interface CorpusPart {
  readonly part: Part;
  readonly chunk: Chunk;
  /** Documents that were read of the chunk's file before the chunk. */
  readonly before: number;
  /** Number of each document's split, or `DROPPED` [N]. */
  readonly splits: Uint8Array;
}
