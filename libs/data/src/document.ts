import type { DataSection } from '@ringmaster/protocol';

/** One text of a corpus. */
export interface Document {
  /** Stable across machines: file name relative to the files' common directory, '#', index in the file. */
  readonly id: string;
  /** Line of the file where it begins, from 1. */
  readonly line: number;
  readonly text: string;
  /** Trimmed and in normal form C; null where there is none or an empty one. */
  readonly label: string | null;
}

/** A file of a corpus, with the hash that its preparation is keyed by. */
export interface SourceFile {
  /** Path relative to the common directory of its source, with forward slashes. */
  readonly name: string;
  readonly path: string;
  /** SHA-256 of the bytes on disk. */
  readonly sha256: string;
}

/** A file and how its documents are found: plain data, so that any thread can read it. */
export interface FileReading {
  readonly file: SourceFile;
  readonly format: NonNullable<DataSection['format']> | 'spam-assassin';
  /** Columns of the text and of the label. */
  readonly text?: string | undefined;
  readonly label?: string | undefined;
}

/** Documents that can be iterated as often as wanted, always in the same order. */
export interface Source extends AsyncIterable<Document> {
  /** How the documents should be cleaned: marked-up text carries residue that plain text does not. */
  readonly markup: boolean;
  readonly files: readonly SourceFile[];
  /** Each of the files, in the same order. */
  readonly readings: readonly FileReading[];
  /** What was left out and why, a sentence for each reason. */
  readonly notices: readonly string[];
}

/** One record as a reader finds it, before columns are chosen. */
export interface FileRecord {
  /** Line of the file where the record begins, from 1. */
  readonly line: number;
  readonly fields: Readonly<Record<string, unknown>>;
}
