import { closeAll, partOf, replacePresent, settle, withPart } from './changes.js';
import { onCommand } from './commands.js';
import {
  isDonor,
  predecessor,
  type Membership,
  type MembershipEffect,
  type MembershipInput,
  type Message,
  type Part,
  type Proceeding,
} from './types.js';

export {
  announced,
  newMembership,
  type Command,
  type Membership,
  type MembershipEffect,
  type MembershipInput,
} from './types.js';

/**
 * A trainer's part in generations, as a pure function. Invariants:
 * - an unplanned `prepare` is answered when nothing of older generations is at work any more, and a message about an
 *   older generation changes nothing from then on;
 * - a change that was named in the lanes of a step in flight stays possible until that step has concluded, and a newer
 *   one is not answered before: so whoever has `prepared` for a planned generation agrees to no older one any more;
 * - a command that comes twice changes nothing, and is answered like the first time.
 */
export function proceed(before: Membership, input: MembershipInput): Proceeding {
  const effects: MembershipEffect[] = [];
  const membership = settle(apply(before, input, effects), effects);
  return { membership, effects };
}

function apply(membership: Membership, input: MembershipInput, effects: MembershipEffect[]) {
  switch (input.type) {
    case 'command':
      return onCommand(membership, input.command, effects);
    case 'stopped':
      return onStopped(membership, input, effects);
    case 'bound':
      return onBound(membership, input);
    case 'linked':
      return onLinked(membership, input.generation, effects);
    case 'taken':
      return onTaken(membership, input, effects);
    case 'concluded':
      return onConcluded(membership, input, effects);
    case 'left':
      return onLeft(membership, input, effects);
    case 'ended':
      return onEnded(membership, input.message, effects);
  }
}

type Input<Type extends MembershipInput['type']> = Extract<MembershipInput, { type: Type }>;

function onStopped(
  membership: Membership,
  { interrupted }: Input<'stopped'>,
  effects: MembershipEffect[],
): Membership {
  const { present } = membership;
  if (present?.phase !== 'stopping') return membership;
  const { generation, rank, size } = present;
  effects.push({ type: 'bind', generation, rank, size });
  return { ...membership, present: { ...present, phase: 'binding', interrupted } };
}

function onBound(
  membership: Membership,
  { generation, endpoint, donor, state }: Input<'bound'>,
): Membership {
  return withPart(membership, generation, 'binding', (part) => ({
    ...part,
    phase: 'bound',
    prepared: {
      type: 'prepared',
      generation,
      endpoint,
      donor,
      state,
      interrupted: part.interrupted,
    },
  }));
}

function onLinked(
  membership: Membership,
  generation: number,
  effects: MembershipEffect[],
): Membership {
  return withPart(membership, generation, 'linking', (part) => {
    const from = predecessor(part);
    const stays = from !== null && partOf(membership, from) !== undefined;
    if (!stays && part.start !== null) effects.push({ type: 'take', start: part.start });
    return { ...part, phase: stays ? 'linked' : 'taking' };
  });
}

function onTaken(
  membership: Membership,
  { generation, step, seconds }: Input<'taken'>,
  effects: MembershipEffect[],
): Membership {
  const part = partOf(membership, generation);
  if (part?.phase !== 'taking') return membership;
  const next = replacePresent(membership, part, effects);
  effects.push({ type: 'begin', generation, offer: isDonor(part) });
  return started(next, part, step, seconds, effects);
}

function onConcluded(
  membership: Membership,
  { step, agreed }: Input<'concluded'>,
  effects: MembershipEffect[],
): Membership {
  const { present, changes } = membership;
  if (present?.phase !== 'stepping') return membership;
  const change = changes.find(({ generation }) => generation === agreed);
  if (change === undefined) {
    closeAll(
      changes.filter(({ dropped }) => dropped),
      effects,
    );
    return { ...membership, changes: changes.filter(({ dropped }) => !dropped) };
  }
  const next = replacePresent(membership, change, effects);
  const { generation } = change;
  if (change.kind === 'leave') {
    const checkpoint = change.checkpoint && present.rank === 0;
    effects.push({ type: 'leave', generation, checkpoint });
    return { ...next, retired: { generation, said: null } };
  }
  effects.push({ type: 'switch', generation, offer: isDonor(change) });
  return started(next, change, step, 0, effects);
}

/** Puts the step loop into a generation, and says so. */
function started(
  membership: Membership,
  part: Part,
  step: number,
  transferSeconds: number,
  effects: MembershipEffect[],
): Membership {
  const { generation, rank } = part;
  const outcome: Message<'started'> = {
    type: 'started',
    generation,
    rank,
    step,
    transferSeconds,
  };
  effects.push({ type: 'say', message: outcome });
  return { ...membership, present: { ...part, phase: 'stepping', dropped: false, outcome } };
}

function onLeft(
  membership: Membership,
  { generation, step }: Input<'left'>,
  effects: MembershipEffect[],
): Membership {
  if (membership.retired?.generation !== generation) return membership;
  const said: Message<'retired'> = { type: 'retired', generation, step };
  effects.push({ type: 'say', message: said });
  return { ...membership, retired: { generation, said } };
}

function onEnded(
  membership: Membership,
  message: Message<'finished' | 'failed'>,
  effects: MembershipEffect[],
): Membership {
  const { generation } = message;
  const part = partOf(membership, generation);
  if (part === undefined || part.phase === 'parked') return membership;
  // What becomes of a change that nobody wants any more is of no interest.
  if (!part.dropped) effects.push({ type: 'say', message });
  if (part !== membership.present) effects.push({ type: 'close', generation });
  return withPart(membership, generation, part.phase, () => ({
    ...part,
    phase: 'parked',
    outcome: message,
  }));
}
