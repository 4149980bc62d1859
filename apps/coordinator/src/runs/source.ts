import type { Beginning } from '@ringmaster/protocol';
import type { Checkpoint, Prepared } from './run.js';

/**
 * The newest state that every member can have: the one that they all hold in memory, else the newest checkpoint, else
 * the initial state that the specification defines.
 */
export function chooseBeginning(
  members: readonly Prepared[],
  checkpoints: readonly Checkpoint[],
): Beginning {
  const newest = checkpoints.at(-1);
  const [first] = members;
  const held = first?.state ?? null;
  const common =
    held !== null &&
    members.every(({ state }) => state?.step === held.step && state.stateHash === held.stateHash);
  if (common && held.step >= (newest?.position.step ?? 0)) {
    return { at: 'peers', holders: members.map((_, rank) => rank), position: held };
  }
  if (newest !== undefined) {
    const { position, manifest } = newest;
    return { at: 'checkpoint', position, manifest };
  }
  return { at: 'specification' };
}
