import type { Beginning, Seat, TrainerCommand } from '@ringmaster/protocol';
import { send, type Context } from '../commands.js';
import { ringMs } from '../deadlines.js';
import { newGeneration, rankIn, type Generation, type Member, type Start } from '../generation.js';
import { trainerOf, withTrainers, type Run } from '../run.js';
import { ringOrder } from './order.js';
import { dealAmong, dealShares, speedsOf } from './shares.js';

/*
 * A generation comes about in two rounds: its members are asked to prepare, and once all have, they are told to start.
 * Rings that form after a failure and planned changes differ in when they are issued and where they begin, not in this.
 */

/** A run with a generation that this step has made or told. */
interface Round {
  readonly run: Run;
  readonly generation: Generation;
}

/**
 * Issues the next generation: numbers it, gives its members their ranks and asks them to prepare.
 * @param from The ring that it takes over from by a switch; null after a failure.
 */
export function issue(
  run: Run,
  from: Generation | null,
  members: readonly string[],
  retiring: readonly string[],
  context: Context,
): Round {
  const number = run.generation + 1;
  const ordered = ringOrder(members, (id) => trainerOf(run, id)?.place ?? []);
  const generation = newGeneration(
    number,
    from?.generation ?? null,
    ordered,
    retiring,
    context.now,
  );
  ordered.forEach((id, rank) => {
    send(context, id, preparation(generation, rank));
  });
  return { run: { ...run, generation: number }, generation };
}

/**
 * Starts a generation whose members have all prepared, and has the others retire.
 * @param begin Where the ring begins; null when nobody goes on.
 */
export function start(
  run: Run,
  prepared: Generation,
  begin: Beginning | null,
  context: Context,
): Round {
  const told = begin === null ? null : startOf(run, prepared, begin);
  const ids = prepared.members.map(({ trainer }) => trainer);
  if (told !== null) for (const id of ids) send(context, id, told);
  for (const id of prepared.retiring) send(context, id, retirement(prepared));
  return {
    run: withTrainers(run, ids, { seated: true }),
    generation: { ...prepared, start: told, told: context.now },
  };
}

function startOf(run: Run, { generation, members }: Generation, begin: Beginning): Start {
  const ids = members.map(({ trainer }) => trainer);
  const seconds = speedsOf(run, ids);
  const { microbatches } = run.limits;
  const shares = dealShares(microbatches, seconds);
  return {
    type: 'start',
    generation,
    begin,
    seats: seatsOf(run, members),
    shares,
    // A newcomer to a ring that goes on takes the state over in its first step, and computes from the second on.
    firstShares:
      begin.at === 'switch'
        ? dealAmong(microbatches, seconds, (rank) => begin.holders.includes(rank))
        : shares,
    deadlineMs: ringMs(run),
  };
}

/** Where members listen, by rank, once all have prepared. */
function seatsOf(run: Run, members: readonly Member[]): Seat[] {
  return members.flatMap(({ trainer, prepared }) => {
    if (prepared === null) return [];
    const { endpoint, donor } = prepared;
    return [{ endpoint, donor, worker: trainerOf(run, trainer)?.worker ?? '' }];
  });
}

/** Commands that a trainer was sent and has not answered: it may not have heard them. */
export function outstanding(run: Run, trainer: string): TrainerCommand[] {
  const { ring, planned, saving } = run;
  const generations = [...(ring === null ? [] : [ring]), ...planned];
  return [
    ...generations.flatMap((generation) => unanswered(generation, trainer)),
    ...(saving?.trainer === trainer ? [{ type: 'save' } as const] : []),
  ];
}

function unanswered(known: Generation, trainer: string): TrainerCommand[] {
  const { generation, members, withdrawn } = known;
  const rank = rankIn(known, trainer);
  const member = members[rank];
  const leaves = known.retiring.includes(trainer);
  if (withdrawn) return leaves || rank >= 0 ? [{ type: 'withdraw', generation }] : [];
  if (leaves) return known.told === null ? [] : [retirement(known)];
  if (member === undefined) return [];
  if (member.prepared === null) return [preparation(known, rank)];
  return known.start === null || member.started !== null ? [] : [known.start];
}

function preparation({ generation, members, from }: Generation, rank: number): TrainerCommand {
  return { type: 'prepare', generation, rank, size: members.length, planned: from !== null };
}

function retirement({ generation, members }: Generation): TrainerCommand {
  return { type: 'retire', generation, checkpoint: members.length === 0 };
}
