import { RingmasterError, type ArtifactManifest, type ErrorCode } from '@ringmaster/protocol';
import { readManifest } from '../../artifacts/artifacts.js';
import { readStateFile, STATE_FILE } from './state-file.js';
import type { Subject } from './subject.js';

/** What is wrong with a checkpoint's own blobs. Of any other error another checkpoint would not be the cure. */
const ownFaults: ReadonlySet<ErrorCode> = new Set([
  'BLOB_CORRUPT',
  'BLOB_HASH_MISMATCH',
  'BLOB_MISSING',
  'MODEL_INCOMPLETE',
]);

/**
 * Replaces the state by a checkpoint's, which is checked against its hashes before it is in use.
 * @param id SHA-256 of the checkpoint's manifest
 * @throws CHECKPOINT_DAMAGED, and the run may have no state until another is loaded; COORDINATOR_UNREACHABLE, DISK_FULL
 */
export async function loadCheckpoint(run: Subject, id: string): Promise<void> {
  try {
    await load(run, id);
  } catch (cause) {
    if (RingmasterError.is(cause) && !ownFaults.has(cause.code)) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RingmasterError('CHECKPOINT_DAMAGED', { manifest: id, reason }, { cause });
  }
}

async function load(run: Subject, id: string): Promise<void> {
  const manifest = await readManifest(run.loaded.artifacts, id);
  const { specHash, dataManifest } = run.loaded.launch;
  if (manifest.kind !== 'checkpoint') throw new Error(`it is a ${manifest.kind}`);
  if (manifest.specHash !== specHash) throw new Error('it belongs to another specification');
  if (manifest.dataManifest !== dataManifest) throw new Error('it belongs to other data');
  const { sha256 } = manifest.files[STATE_FILE] ?? {};
  if (sha256 !== manifest.stateHash) throw new Error('its file is not the state that it names');
  const header = await readState(run, sha256);
  run.replace(() => {
    run.state.readHeader(header);
    assertPosition(run, manifest);
  });
}

/** Reads the state into place and returns its header. A fetched copy that is damaged is fetched once more. */
async function readState(run: Subject, sha256: string): Promise<string> {
  const { state } = run;
  const { artifacts } = run.loaded;
  const path = await artifacts.fetch(sha256);
  run.forget();
  try {
    const read = await readStateFile(path, state.parts);
    if (read.sha256 !== sha256) throw new Error('its content is not the state that it names');
    return read.header;
  } catch (error) {
    if (await artifacts.discard(sha256)) return readState(run, sha256);
    throw error;
  }
}

function assertPosition(run: Subject, { step, evaluations }: ArtifactManifest): void {
  if (run.step === step && run.evaluations === evaluations) return;
  throw new Error('its state stands at another position than it names');
}
