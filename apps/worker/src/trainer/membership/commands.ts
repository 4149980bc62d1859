import type { TrainerCommand } from '@ringmaster/protocol';
import { closeAll, drop, partOf, withPart } from './changes.js';
import type { Command, Leave, Membership, MembershipEffect, Part } from './types.js';

/** What a command makes of a trainer's part in generations. One that came before is only answered. */
export function onCommand(
  membership: Membership,
  command: TrainerCommand,
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
      const { present, newest } = membership;
      const taking = membership.changes.some(
        (change) => change.kind === 'part' && change.phase === 'taking',
      );
      // Between two turns of a step loop the state is whole; while it is being taken over it is not.
      if (present?.phase !== 'taking' && !taking) {
        const generation = present?.phase === 'stepping' ? present.generation : newest;
        effects.push({ type: 'save', generation });
      }
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
    kind: 'part',
    generation,
    rank,
    size,
    phase: planned ? 'binding' : 'stopping',
    interrupted: null,
    prepared: null,
    promised: false,
    start: null,
    outcome: null,
    dropped: false,
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
