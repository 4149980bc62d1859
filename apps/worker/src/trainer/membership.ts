import { closeAll, drop, partOf, replacePresent, settle, withPart } from './changes.js';
import {
  isDonor,
  predecessor,
  type Command,
  type Leave,
  type Membership,
  type MembershipEffect,
  type MembershipInput,
  type Message,
  type Part,
  type Proceeding,
} from './part.js';

export {
  announced,
  newMembership,
  type Command,
  type Membership,
  type MembershipEffect,
  type MembershipInput,
} from './part.js';

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

function onCommand(
  membership: Membership,
  command: Input<'command'>['command'],
  effects: MembershipEffect[],
): Membership {
  switch (command.type) {
    case 'prepare':
      return onPrepare(membership, command, effects);
    case 'start':
      return onStart(membership, command, effects);
    case 'retire':
      return onRetire(membership, command, effects);
    case 'withdraw':
      return {
        ...membership,
        changes: membership.changes.map((change) =>
          change.generation === command.generation ? { ...change, dropped: true } : change,
        ),
      };
    case 'save': {
      const phase = membership.present?.phase;
      const moves = membership.changes.some(
        (change) => change.kind === 'part' && change.phase === 'taking',
      );
      if (phase !== 'stepping' && phase !== 'taking' && !moves)
        effects.push({ type: 'save', generation: membership.newest });
      return membership;
    }
  }
}

function onPrepare(
  membership: Membership,
  { generation, rank, size, planned }: Command<'prepare'>,
  effects: MembershipEffect[],
): Membership {
  const { newest, present, changes } = membership;
  const known = partOf(membership, generation);
  if (known?.promised === true && known.prepared !== null)
    effects.push({ type: 'say', message: known.prepared });
  if (generation <= newest) return membership;
  const part: Part = {
    ...{ kind: 'part', generation, rank, size, phase: planned ? 'binding' : 'stopping' },
    ...{ interrupted: null, prepared: null, promised: false },
    ...{ start: null, outcome: null, dropped: false },
  };
  if (planned) {
    effects.push({ type: 'bind', generation, rank, size });
    return { ...membership, newest: generation, changes: [...changes.map(drop), part] };
  }
  if (present?.phase === 'stopping') closeAll(changes, effects);
  else effects.push({ type: 'stop', of: atWork(membership) });
  return { newest: generation, present: part, changes: [], retired: null };
}

/** The generation that a trainer does something for, or did last. */
function atWork({ present, changes }: Membership): number | null {
  const entered = changes.find((change) => change.kind === 'part' && change.phase === 'taking');
  return (entered ?? present)?.generation ?? null;
}

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
      ...{ type: 'prepared', generation, endpoint, donor, state },
      interrupted: part.interrupted,
    },
  }));
}

function onStart(
  membership: Membership,
  start: Command<'start'>,
  effects: MembershipEffect[],
): Membership {
  const part = partOf(membership, start.generation);
  if (part === undefined || part.dropped) return membership;
  if (part.outcome !== null) effects.push({ type: 'say', message: part.outcome });
  if (part.phase !== 'bound') return membership;
  effects.push({ type: 'connect', start });
  return withPart(membership, start.generation, 'bound', () => ({
    ...part,
    phase: 'linking',
    start,
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

function onRetire(
  membership: Membership,
  { generation, checkpoint }: Command<'retire'>,
  effects: MembershipEffect[],
): Membership {
  const { newest, changes, retired } = membership;
  if (retired?.generation === generation && retired.said !== null)
    effects.push({ type: 'say', message: retired.said });
  if (generation <= newest) return membership;
  const leave: Leave = { kind: 'leave', generation, checkpoint, dropped: false };
  return { ...membership, newest: generation, changes: [...changes.map(drop), leave] };
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
