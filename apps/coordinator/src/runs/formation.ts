import type { TrainerCommand } from '@ringmaster/protocol';
import type { Member, Prepared, Ring, Run, Trainer } from './run.js';
import { dealShares } from './shares.js';
import { chooseBeginning } from './source.js';
import type { Turn } from './turn.js';

/** Longest that a rank waits for its neighbour in one all-reduce. It covers the neighbour's slowest microbatches. */
const RING_DEADLINE_MS = 120_000;

/**
 * Issues a generation if a ring can be formed now. While trainers that hold a state are enough for the gang, they go
 * on alone at once, since a newcomer would throw them back to a checkpoint; it joins at the next one. Otherwise
 * everyone who is loading is waited for.
 */
export function formRing(run: Run, turn: Turn): Run {
  const ready = run.trainers.filter((trainer) => trainer.ready);
  const seated = ready.filter((trainer) => trainer.seated);
  if (seated.length >= run.limits.min) return issue(run, seated, turn);
  if (ready.length < run.limits.min || ready.length < run.trainers.length) return run;
  return issue(run, ready, turn);
}

/** Issues a generation of everyone who is ready, newcomers included, whatever the ring does now. */
export function formRingOfAll(run: Run, turn: Turn): Run {
  return issue(
    run,
    run.trainers.filter((trainer) => trainer.ready),
    turn,
  );
}

function issue(run: Run, trainers: readonly Trainer[], turn: Turn): Run {
  const generation = run.generation + 1;
  trainers.forEach(({ id }, rank) => {
    send(turn, id, { type: 'prepare', generation, rank, size: trainers.length, planned: false });
  });
  const members = trainers.map(({ id }) => ({ trainer: id, prepared: null, finished: false }));
  return { ...run, generation, ring: { generation, members, started: false, heard: turn.now } };
}

/** Starts the ring if everyone in it has promised. */
export function startIfPrepared(run: Run, ring: Ring, turn: Turn): Run {
  if (ring.started) return run;
  const prepared = ring.members.flatMap((member) => member.prepared ?? []);
  if (prepared.length < ring.members.length) return run;
  return start(run, ring, prepared, turn);
}

function start(run: Run, ring: Ring, prepared: readonly Prepared[], turn: Turn): Run {
  const { generation, members } = ring;
  const begin = chooseBeginning(prepared, run.checkpoints);
  const seats = prepared.map(({ endpoint, donor }, rank) => ({
    ...{ endpoint, donor },
    worker: run.trainers.find(({ id }) => id === members[rank]?.trainer)?.worker ?? '',
  }));
  const shares = dealShares(run.limits.microbatches, members.length);
  for (const { trainer } of members) {
    send(turn, trainer, {
      ...{ type: 'start', generation, begin, seats, shares, firstShares: shares },
      deadlineMs: RING_DEADLINE_MS,
    });
  }
  const isMember = (id: string) => members.some((member) => member.trainer === id);
  return {
    ...run,
    step: 'position' in begin ? begin.position.step : 0,
    source: begin,
    ring: { ...ring, started: true, heard: turn.now },
    trainers: run.trainers.map((trainer) =>
      isMember(trainer.id) ? { ...trainer, seated: true } : trainer,
    ),
  };
}

/** The ring with one member changed; the word of a member was heard now. */
export function withMember(ring: Ring, trainer: string, change: Partial<Member>, turn: Turn): Ring {
  const members = ring.members.map((member) =>
    member.trainer === trainer ? { ...member, ...change } : member,
  );
  return { ...ring, members, heard: turn.now };
}

function send(turn: Turn, trainer: string, command: TrainerCommand): void {
  turn.commands.push({ type: 'send', trainer, command });
}
