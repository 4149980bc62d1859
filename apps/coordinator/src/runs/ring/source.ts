import type { Beginning, Position } from '@ringmaster/protocol';
import type { Prepared } from '../generation.js';
import type { Checkpoint } from '../run.js';

export type Source =
  | { readonly type: 'begin'; readonly begin: Beginning }
  /** Ranks hold different states at one position; `minority` computed other bytes than most, if there is a majority. */
  | { readonly type: 'diverged'; readonly position: Position; readonly minority: number[] | null };

/** Whether state `a` has come further than `b`. */
export function isNewer(a: Position, b: Position): boolean {
  return a.step > b.step || (a.step === b.step && a.evaluations > b.evaluations);
}

/** The newest position that any of them holds. */
export function newestHeld(members: readonly Prepared[]): Position | null {
  return members.reduce<Position | null>(
    (newest, { state }) =>
      state !== null && (newest === null || isNewer(state, newest)) ? state : newest,
    null,
  );
}

/**
 * The newest state that there is: what members hold in memory, unless a checkpoint is strictly newer; if there is
 * neither, the initial state that the specification defines.
 */
export function chooseSource(
  members: readonly Prepared[],
  checkpoints: readonly Checkpoint[],
  distrust: boolean,
): Source {
  const held = distrust ? null : newestHeld(members);
  const newest = checkpoints.at(-1);
  if (held === null || (newest !== undefined && isNewer(newest.position, held))) {
    return { type: 'begin', begin: fromCheckpoint(newest) };
  }
  const holders = members.flatMap(({ state }, rank) =>
    state !== null && !isNewer(held, state) ? [{ rank, hash: state.stateHash }] : [],
  );
  const majority = majorityOf(holders.map(({ hash }) => hash));
  if (majority === null) return { type: 'diverged', position: held, minority: null };
  const minority = holders.filter(({ hash }) => hash !== majority).map(({ rank }) => rank);
  if (minority.length > 0) return { type: 'diverged', position: held, minority };
  const ranks = holders.map(({ rank }) => rank);
  return { type: 'begin', begin: { at: 'peers', holders: ranks, position: held } };
}

function fromCheckpoint(checkpoint: Checkpoint | undefined): Beginning {
  if (checkpoint === undefined) return { at: 'specification' };
  const { position, manifest } = checkpoint;
  return { at: 'checkpoint', position, manifest };
}

/** What more than half of them are. */
function majorityOf(hashes: readonly string[]): string | null {
  const times = (hash: string) => hashes.filter((other) => other === hash).length;
  return hashes.find((hash) => 2 * times(hash) > hashes.length) ?? null;
}
