import { withRepair } from './artifact-fault.js';
import { RingmasterError, type TrainerMessage } from '@ringmaster/protocol';
import { breakRing, end, happen } from './breaking.js';
import { onCheckpointed, onCheckpointFailed, withNewest, withoutDamaged } from './checkpoints.js';
import { hasPromised } from './fence.js';
import { rankIn, withMember, withStarted, type Generation } from './generation.js';
import { decline, enforce } from './planned.js';
import { withExcluded, withStepped, withStillborn } from './quarantine.js';
import { recover } from './recovery.js';
import { trainerOf, withTrainers, type Run, type Trainer } from './run.js';
import { withSpeed } from './speed.js';
import { withoutPassed, withStrike } from './strikes.js';
import { breakWithTrouble, withReport } from './trouble.js';
import type { Turn } from './turn.js';
import { quarantine, withoutMajority } from './unplanned.js';

type Message<Type extends TrainerMessage['type']> = Extract<TrainerMessage, { type: Type }>;

/**
 * What a trainer's message makes of a run. One of a planned generation that only a ring at work in it can send proves
 * that it has come true; one of a generation that is over changes nothing but the history.
 */
export function onMessage(run: Run, trainer: Trainer, message: TrainerMessage, turn: Turn): Run {
  if (message.type === 'ready') return onReady(run, trainer, message, turn);
  if (message.type === 'failed' && message.generation === 0) {
    return trainer.ready ? run : onLoadFailed(run, trainer, message, turn);
  }
  if (message.type === 'checkpointed') return onCheckpointed(run, trainer, message, turn);
  if (message.type === 'checkpoint-failed') return onCheckpointFailed(run, trainer, message, turn);
  const planned = run.planned.find(({ generation }) => generation === message.generation);
  if (planned !== undefined && isConcerned(planned, trainer)) {
    if (message.type === 'prepared') return onPlannedPrepared(run, planned, trainer, message);
    if (message.type === 'failed') return onPlannedFailed(run, planned, trainer, message, turn);
    return planned.told === null
      ? run
      : inForce(enforce(run, planned, turn), trainer, message, turn);
  }
  return inForce(run, trainer, message, turn);
}

function isConcerned(planned: Generation, { id }: Trainer): boolean {
  return rankIn(planned, id) >= 0 || planned.retiring.includes(id);
}

/** A message of the ring in force, or of the one before. */
function inForce(
  run: Run,
  trainer: Trainer,
  message: Exclude<TrainerMessage, { type: 'ready' | 'checkpointed' | 'checkpoint-failed' }>,
  turn: Turn,
): Run {
  const { ring } = run;
  if (message.type === 'retired') return onRetired(run, trainer, message, turn);
  if (ring?.generation !== message.generation || rankIn(ring, trainer.id) < 0)
    return ofPrevious(run, trainer, message, turn);
  if (message.type === 'failed') return onFailed(run, ring, trainer, message, turn);
  if (message.type === 'prepared') {
    if (ring.told !== null || ring.from !== null) return run;
    const { endpoint, donor, state, interrupted } = message;
    const prepared = { endpoint, donor, state, interrupted };
    return { ...run, ring: withMember(ring, trainer.id, { prepared }) };
  }
  if (ring.told === null) return run;
  const heard = { ...run, observed: { ...run.observed, heard: turn.now } };
  switch (message.type) {
    case 'started': {
      const started = withMember(ring, trainer.id, { started: message.transferSeconds });
      return { ...heard, ring: withStarted(started, false, turn.now) };
    }
    case 'progress':
      return onProgress(heard, ring, trainer, message, turn);
    case 'finished':
      return onFinished(heard, ring, trainer, message, turn);
  }
}

/** What a ring that was replaced still has to say: what it applied, and why it ended. */
function ofPrevious(run: Run, trainer: Trainer, message: TrainerMessage, turn: Turn): Run {
  const { previous, ring } = run;
  if (!('generation' in message) || previous?.generation !== message.generation) return run;
  const rank = previous.ranks.indexOf(trainer.id);
  if (rank < 0 || hasPromised(run, trainer.id)) return run;
  if (message.type === 'progress') return withHistory(run, message);
  if (message.type !== 'failed') return run;
  const report = { rank, blames: message.blames, what: message.error.message };
  // It was to switch with the others, and has not: they wait for it.
  if (ring !== null && ring.from === previous.generation && rankIn(ring, trainer.id) >= 0)
    return onFailed(run, ring, trainer, { ...message, blames: [] }, turn);
  return withReport(run, previous.generation, report);
}

function onReady(run: Run, trainer: Trainer, message: Message<'ready'>, turn: Turn): Run {
  if (trainer.ready) return run;
  const numerics = run.numerics ?? message.numerics;
  const key = Object.keys({ ...numerics, ...message.numerics }).find(
    (name) => name !== 'node' && numerics[name] !== message.numerics[name],
  );
  if (key !== undefined) {
    const { worker } = trainer;
    const [found, expected] = [message.numerics[key] ?? 'unknown', numerics[key] ?? 'unknown'];
    const error = new RingmasterError('NUMERICS_MISMATCH', { worker, key, found, expected });
    happen(run, trainer, `was refused: ${error.message}`, turn);
    return end(withExcluded(run, worker), trainer.id, turn);
  }
  return {
    ...withTrainers(run, [trainer.id], { ready: true }),
    numerics: withNode(numerics, message.numerics['node']),
    steps: message.steps,
  };
}

type Numerics = NonNullable<Run['numerics']>;

/** The record with one more release of Node: no byte depends on it, so a run may have several, and keeps them all. */
function withNode(numerics: Numerics, node: string | undefined): Numerics {
  const known = numerics['node']?.split(' ') ?? [];
  if (node === undefined || known.includes(node)) return numerics;
  return { ...numerics, node: [...known, node].join(' ') };
}

function onLoadFailed(run: Run, trainer: Trainer, message: Message<'failed'>, turn: Turn): Run {
  const repaired = withRepair(run, trainer, message, turn);
  if (repaired !== null) return repaired;
  const { error, fatal } = message;
  const what = `could not load: ${error.message}`;
  happen(run, trainer, what, turn);
  const ended = end(run, trainer.id, turn);
  // A fault of the job counts against no machine. Where others have loaded the same, it is not tried there again.
  if (fatal)
    return run.numerics === null
      ? { ...ended, state: 'failed', error }
      : withExcluded(ended, trainer.worker);
  const next = withStillborn(ended, trainer);
  // What others have loaded is not at fault: then it is the worker.
  if (run.numerics !== null) return next;
  return trainer.strikesBefore === run.strikesEver ? withStrike(next, run.step, what) : next;
}

function onPlannedPrepared(
  run: Run,
  planned: Generation,
  trainer: Trainer,
  { endpoint, donor, state, interrupted }: Message<'prepared'>,
): Run {
  if (planned.told !== null) return run;
  const prepared = { endpoint, donor, state, interrupted };
  const next = withMember(planned, trainer.id, { prepared });
  return { ...run, planned: run.planned.map((other) => (other === planned ? next : other)) };
}

/** A planned ring does not link: newcomers are at fault, be it that they say so themselves or are blamed. */
function onPlannedFailed(
  run: Run,
  planned: Generation,
  trainer: Trainer,
  { blames, error }: Message<'failed'>,
  turn: Turn,
): Run {
  const isNew = (id: string) => rankIn(run.ring, id) < 0;
  const blamed = blames.flatMap((rank) => planned.members[rank]?.trainer ?? []).filter(isNew);
  const atFault = isNew(trainer.id) ? [trainer.id] : blamed;
  const what = `could not join generation ${planned.generation}: ${error.message}`;
  return decline(run, planned, atFault, what, turn);
}

function onRetired(run: Run, trainer: Trainer, { step }: Message<'retired'>, turn: Turn): Run {
  const { ring } = run;
  if (ring?.retiring.includes(trainer.id) !== true) return run;
  const retiring = ring.retiring.filter((id) => id !== trainer.id);
  const next = { ...run, step: Math.max(run.step, step), ring: { ...ring, retiring } };
  // When everyone leaves, they keep the state until it is durable.
  return ring.members.length === 0 ? next : end(next, trainer.id, turn);
}

function onProgress(
  run: Run,
  ring: Generation,
  trainer: Trainer,
  message: Message<'progress'>,
  turn: Turn,
): Run {
  // A step needs everyone: whoever has not said so has started as well.
  const proven = message.steps.length > 0;
  const next = { ...withHistory(run, message), ring: withStarted(ring, proven, turn.now) };
  if (!proven) return next;
  const ids = ring.members.map((member) => member.trainer);
  const stepped = withStepped(withSpeed(next, trainer.id, message.steps), ids);
  const fresh = { ...stepped, breaks: 0, formAfter: 0, repairs: 0, suspect: null, distrust: false };
  return recover(fresh, turn);
}

function withHistory(run: Run, { steps }: Message<'progress'>): Run {
  const step = Math.max(run.step, ...steps.map((report) => report.step));
  // An audit is of the state that a step begins from.
  const confirmed = steps.flatMap((report) => (report.audit === undefined ? [] : report.step - 1));
  return withoutPassed({ ...run, step, audited: Math.max(run.audited, ...confirmed) }, step);
}

function onFinished(
  run: Run,
  ring: Generation,
  trainer: Trainer,
  { position, model, metrics }: Message<'finished'>,
  turn: Turn,
): Run {
  if (ring.members[0]?.trainer !== trainer.id || model === null) {
    const finished = withMember(ring, trainer.id, { finished: true });
    return { ...run, ring: withStarted(finished, true, turn.now) };
  }
  const { step, stateHash } = position;
  const result = { stateHash, model, metrics };
  turn.commands.push({ type: 'register-model', result });
  // Nothing goes on from a state any more: the model is what others begin from.
  return withNewest({ ...run, step, state: 'succeeded', result }, run.limits.keepAtEnd, turn);
}

function onFailed(
  run: Run,
  ring: Generation,
  trainer: Trainer,
  message: Message<'failed'>,
  turn: Turn,
): Run {
  const { error, fatal, blames } = message;
  const step = Math.max(run.step, message.step);
  const rank = rankIn(ring, trainer.id);
  const what = error.message;
  if (fatal) {
    happen(run, trainer, `could not go on: ${what}`, turn);
    return { ...run, state: 'failed', error };
  }
  const repaired = withRepair(run, trainer, message, turn);
  if (repaired !== null) return repaired;
  if (error.code === 'CHECKPOINT_DAMAGED' && run.checkpoints.length > 0) {
    const broke = { heard: run.observed.heard, known: turn.now };
    happen(run, trainer, `could not go on: ${what}`, turn, { step, broke });
    return withoutDamaged(breakRing(run, turn), turn);
  }
  if (error.code === 'STATE_DIVERGED' || error.code === 'AUDIT_MISMATCH') {
    const present = blames.filter((blamed) => isHere(run, ring, blamed));
    if (present.length === 0) return withoutMajority(run, ring, step, turn);
    return breakRing(quarantine(run, ring, present, step, turn), turn);
  }
  return breakWithTrouble(run, ring, [{ rank, blames, what }], step, turn);
}

function isHere(run: Run, ring: Generation, rank: number): boolean {
  return trainerOf(run, ring.members[rank]?.trainer ?? '') !== undefined;
}
