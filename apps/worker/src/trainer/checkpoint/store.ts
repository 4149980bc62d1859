import { RingmasterError } from '@ringmaster/protocol';
import { putManifest } from '../../artifacts/artifacts.js';
import type { Artifacts } from '../../artifacts/types.js';
import { faultPoint } from '../../faults/fault-point.js';
import type { Stem, Stored } from './messages.js';
import { STATE_FILE, stateFile } from './state-file.js';

/**
 * Makes a checkpoint durable, its manifest last, and brings it to the coordinator if that can be reached.
 * @throws DISK_FULL, here or there, with nothing half-written left behind
 */
export async function storeCheckpoint(
  artifacts: Artifacts,
  { header, manifest }: Stem,
  bytes: AsyncIterable<Uint8Array>,
): Promise<Stored> {
  const state = await artifacts.put(stateFile(header, bytes));
  faultPoint('checkpoint-blobs', manifest);
  const id = await putManifest(artifacts, {
    ...manifest,
    stateHash: state.sha256,
    files: { [STATE_FILE]: state },
  });
  faultPoint('checkpoint-manifest', manifest);
  const delivered = await deliver(artifacts, id);
  return { manifest: id, stateHash: state.sha256, delivered };
}

/**
 * Brings a checkpoint to the coordinator; one that it cannot take is given up.
 * @returns Whether the coordinator could be reached
 */
export async function deliver(artifacts: Artifacts, id: string): Promise<boolean> {
  try {
    await artifacts.deliver(id);
    return true;
  } catch (error) {
    if (RingmasterError.is(error, 'COORDINATOR_UNREACHABLE')) return false;
    await artifacts.forget(id);
    throw error;
  }
}
