import {
  predecessor,
  type Change,
  type Membership,
  type MembershipEffect,
  type Part,
} from './types.js';

/** Lets go of dropped changes that cannot be agreed to any more, and answers when no older one is left. */
export function settle(membership: Membership, effects: MembershipEffect[]): Membership {
  const { present, changes } = membership;
  const over = changes.filter((change) => change.dropped && !mayBegin(change, membership));
  closeAll(over, effects);
  const left = { ...membership, changes: changes.filter((change) => !over.includes(change)) };
  const pending = present?.phase === 'stepping' && left.changes.some(({ dropped }) => dropped);
  const next = left.changes.at(-1);
  return promise(pending ? left : promise(left, next, effects), present, effects);
}

function promise(
  membership: Membership,
  part: Change | null | undefined,
  effects: MembershipEffect[],
): Membership {
  if (part?.kind !== 'part' || part.phase !== 'bound') return membership;
  if (part.promised || part.dropped || part.prepared === null) return membership;
  effects.push({ type: 'say', message: part.prepared });
  return withPart(membership, part.generation, 'bound', () => ({ ...part, promised: true }));
}

/**
 * Whether a ring may still agree to a dropped change: the present one, when the lanes of the step in flight name it; or,
 * where this trainer is a newcomer, one whose agreement it cannot see. The latter is settled by the next start: nobody
 * could have prepared for that one while an older change was possible.
 */
function mayBegin(change: Change, { present, changes }: Membership): boolean {
  if (change.kind === 'leave') return present?.phase === 'stepping';
  if (present?.phase === 'stepping') return change.phase === 'linked';
  const from = predecessor(change);
  if (from === null || from === present?.generation || change.phase === 'parked') return false;
  const later = changes.filter(({ generation }) => generation > change.generation);
  return later.every((other) => other.kind === 'leave' || isSilentOn(change, other));
}

/** Whether a later change says nothing about an older one: it has no start yet, or begins from the older one. */
function isSilentOn({ generation }: Change, later: Part): boolean {
  return later.start === null || predecessor(later) === generation;
}

export function drop<T extends Change>(change: T): T {
  return { ...change, dropped: true };
}

export function closeAll(changes: readonly Change[], effects: MembershipEffect[]): void {
  for (const { kind, generation } of changes) {
    if (kind === 'part') effects.push({ type: 'close', generation });
  }
}

export function partOf({ present, changes }: Membership, generation: number): Part | undefined {
  if (present?.generation === generation) return present;
  return changes.find(
    (change): change is Part => change.kind === 'part' && change.generation === generation,
  );
}

/** Changes the part in a generation if it has come just so far; what is no longer waited for changes nothing. */
export function withPart(
  membership: Membership,
  generation: number,
  phase: Part['phase'],
  change: (part: Part) => Part,
): Membership {
  const part = partOf(membership, generation);
  if (part?.phase !== phase) return membership;
  const changed = change(part);
  if (part === membership.present) return { ...membership, present: changed };
  return {
    ...membership,
    changes: membership.changes.map((other) => (other === part ? changed : other)),
  };
}

/** Lets go of the present ring and of every change that cannot follow this one. */
export function replacePresent(
  { newest, present, changes }: Membership,
  change: Change,
  effects: MembershipEffect[],
): Membership {
  const follows = (other: Change) =>
    other.generation > change.generation &&
    !other.dropped &&
    (other.kind === 'leave' || other.start === null || predecessor(other) === change.generation);
  const others = changes.filter(({ generation }) => generation !== change.generation);
  const older = present === null || present === change ? [] : [present];
  closeAll([...older, ...others.filter((other) => !follows(other))], effects);
  return { newest, present: null, changes: others.filter(follows), retired: null };
}
