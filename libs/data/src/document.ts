import type { CleaningStep, ColumnName, ColumnNeeds, DataSection } from '@ringmaster/protocol';

/** An answer within a context. */
export interface Answer {
  /** Where it begins in the context as the file has it, in Unicode code points. */
  readonly start: number;
  readonly text: string;
}

/** A turn of a conversation. */
export interface Message {
  readonly role: string;
  readonly content: string;
}

/** What each column of a document holds. */
export interface ColumnValues {
  readonly text: string;
  readonly pair: string;
  /** Trimmed and in normal form C; null where there is none or an empty one. */
  readonly class: string | null;
  /** Each once, in the order of code units. */
  readonly classes: readonly string[];
  readonly value: number;
  readonly words: readonly string[];
  /** One for each word. */
  readonly tags: readonly string[];
  readonly question: string;
  readonly context: string;
  /** None where the context has no answer. */
  readonly answers: readonly Answer[];
  readonly source: string;
  readonly target: string;
  readonly prompt: string;
  readonly completion: string;
  readonly messages: readonly Message[];
}

/** The columns that a document has. */
export type Columns = Partial<ColumnValues>;

/** Why a document has not got a column that it should have. */
export type ColumnFault = {
  readonly path: string;
  /** Line of the file where the document begins, from 1. */
  readonly line: number;
  /** Name of the column in the file. */
  readonly column: string;
} & (
  | { readonly kind: 'missing'; readonly columns: string }
  | { readonly kind: 'invalid'; readonly reason: string }
);

/** One example of a corpus. */
export interface Document {
  /** Stable across machines: file name relative to the files' common directory, '#', index in the file. */
  readonly id: string;
  /** Line of the file where it begins, from 1. */
  readonly line: number;
  readonly columns: Columns;
  /** Empty for a document that can be used. */
  readonly faults: readonly ColumnFault[];
}

/** How files of a job are read: the keys of its `data` section that apply to every split. */
export interface ReadOptions extends Pick<
  DataSection,
  'format' | 'columns' | 'text' | 'label' | 'labels' | 'cleaning'
> {
  /** The columns that are wanted of each document; by default those of a text. */
  readonly needs?: ColumnNeeds | undefined;
}

/** A column that is wanted of every document of a file. */
export interface WantedColumn {
  readonly name: ColumnName;
  /** What the file calls it. */
  readonly inFile: string;
  /** Whether a document without it is at fault. */
  readonly isRequired: boolean;
}

/** A file of a corpus, with the hash that its preparation is keyed by. */
export interface SourceFile {
  /** Path relative to the common directory of its source, with forward slashes. */
  readonly name: string;
  /** Path, or URL of what lies on another machine. */
  readonly path: string;
  /** Path of the copy that is read of what lies on another machine. */
  readonly copy?: string | undefined;
  /** SHA-256 of the bytes on disk. */
  readonly sha256: string;
  /** Bytes on disk. */
  readonly bytes: number;
  /** A long file of lines in stretches that can be read apart; none of any other. */
  readonly pieces: readonly FilePiece[];
}

/** A stretch of a file that begins and ends between two lines. */
export interface FilePiece {
  readonly start: number;
  readonly end: number;
  readonly sha256: string;
  /** Line of the file that it begins with, from 1. */
  readonly line: number;
}

/** A file and how its documents are found: plain data, so that any thread can read it. */
export interface FileReading {
  readonly file: SourceFile;
  /** What of the file is read; all of it by default. */
  readonly piece?: FilePiece | undefined;
  readonly format: NonNullable<DataSection['format']> | 'spam-assassin' | 'tar';
  /** How the files of an archive are read; by default by their extension. */
  readonly entries?: DataSection['format'] | undefined;
  /** Where the class of a document is, if not in a column. */
  readonly labels?: DataSection['labels'] | undefined;
  readonly columns: readonly WantedColumn[];
  /** Number of the source that the file is of, in a mixture. */
  readonly source?: number | undefined;
}

/** Documents that can be iterated as often as wanted, always in the same order. */
export interface Source extends AsyncIterable<Document> {
  /** How the documents are cleaned, by steps in order. */
  readonly cleaning: readonly CleaningStep[];
  readonly files: readonly SourceFile[];
  /** Each of the files, in the same order. */
  readonly readings: readonly FileReading[];
  /** What was left out and why, a sentence for each reason. */
  readonly notices: readonly string[];
}

/** One record as a reader finds it, before columns are chosen. */
export interface FileRecord {
  /** Line of the file where the record begins, from 1; of a columnar file the number of its row. */
  readonly line: number;
  readonly fields: Readonly<Record<string, unknown>>;
}
