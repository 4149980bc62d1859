import type { ArtifactManifest, ErrorBody } from '@ringmaster/protocol';
import type { ArtifactsSource } from '../../artifacts/types.js';
import type { SharedSnapshot } from './snapshot.js';

/** What the writing thread is started with. */
export interface ThreadData {
  readonly source: ArtifactsSource;
  /** The bytes of the states that are to be written. */
  readonly snapshot: SharedSnapshot;
}

/** What a checkpoint has besides the bytes of its state. */
export interface Stem {
  readonly header: string;
  readonly manifest: Omit<ArtifactManifest, 'stateHash' | 'files'>;
}

/** What the thread is asked for. */
export type Request =
  /** Make a checkpoint of the snapshot, which was taken. */
  | { readonly store: Stem }
  /** The bytes of that snapshot that were not read; null where there was no memory for them. */
  | { readonly rest: readonly Uint8Array<SharedArrayBuffer>[] | null };

export interface Stored {
  /** SHA-256 of the checkpoint's manifest. */
  readonly manifest: string;
  readonly stateHash: string;
  /** Whether the coordinator has it; else it is kept here to be delivered. */
  readonly delivered: boolean;
}

/** What became of a checkpoint that was kept: the coordinator has it now (no error), or cannot take it. */
export interface Late {
  readonly manifest: string;
  readonly error: ErrorBody | null;
}

/** What the thread says: the answer to a request, or what became of an earlier one. */
export type Answer =
  { readonly stored: Stored } | { readonly error: ErrorBody } | { readonly late: Late };
