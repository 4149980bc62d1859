import type { ArtifactManifest, ErrorBody } from '@ringmaster/protocol';
import type { ArtifactsSource } from '../../artifacts/artifacts.js';

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

export type Answer = { readonly stored: Stored } | { readonly error: ErrorBody };
