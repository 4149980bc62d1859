import type { BlobStore } from '@ringmaster/data';
import {
  RingmasterError,
  specHash,
  type ArtifactManifest,
  type Position,
  type TrainerMessage,
} from '@ringmaster/protocol';
import { readArtifact } from '../artifacts/references.js';
import type { JobRecord } from '../store/jobs.js';

/**
 * Checks what a trainer says that it has made durable. A checkpoint that is not whole was never made (null); a model
 * that is not whole is a failure to go on.
 */
export function verified(blobs: BlobStore, message: TrainerMessage): TrainerMessage | null {
  if (message.type === 'checkpointed') {
    const found = readArtifact(blobs, message.manifest, 'checkpoint');
    return describesState(found, message.position) ? message : null;
  }
  if (message.type === 'finished' && message.model !== null) {
    const { generation, position, model } = message;
    const { step } = position;
    const found = readArtifact(blobs, model, 'model');
    if (describesState(found, position)) return message;
    const reason = typeof found === 'string' ? found : 'its manifest tells of another state';
    const error = new RingmasterError('MODEL_INCOMPLETE', { manifest: model, reason }).toBody();
    return { type: 'failed', generation, step, fatal: false, blames: [], error };
  }
  return message;
}

/** Whether a checkpoint that a worker kept is whole, and of the run that this job is. */
export function isCheckpointOf(
  blobs: BlobStore,
  job: JobRecord,
  manifest: string,
  position: Position,
  hash: string,
): boolean {
  const { spec, dataManifest, baseManifest } = job;
  if (dataManifest === null || specHash(spec, dataManifest, baseManifest) !== hash) return false;
  const found = readArtifact(blobs, manifest, 'checkpoint');
  return describesState(found, position) && found.specHash === hash;
}

function describesState(
  artifact: ArtifactManifest | string,
  { step, evaluations, stateHash }: Position,
): artifact is ArtifactManifest {
  return (
    typeof artifact !== 'string' &&
    artifact.step === step &&
    artifact.evaluations === evaluations &&
    artifact.stateHash === stateHash
  );
}
