import type { ArtifactManifest, ErrorBody } from '@ringmaster/protocol';
import type { ArtifactsSource } from '../../artifacts/types.js';

/** What the writing thread is started with. */
export interface ThreadData {
  readonly source: ArtifactsSource;
  /** Where the main thread puts the copy of a state's bytes. */
  readonly copy: Uint8Array<SharedArrayBuffer>;
}

/** A state whose bytes are in the copy; nobody changes them until the answer. */
export interface Request {
  readonly header: string;
  readonly manifest: Omit<ArtifactManifest, 'stateHash' | 'files'>;
}

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
