import { RingmasterError, type TrainerMessage } from '@ringmaster/protocol';
import { onCheckpointed, onCheckpointFailed, withNewest, withoutDamaged } from './checkpoints.js';
import { recordFailure, type Context } from './commands.js';
import { withRepair } from './faults/artifact.js';
import { breakRing, end } from './faults/breaking.js';
import { quarantine, withoutMajority } from './faults/divergence.js';
import {
  withExcluded,
  withoutPassed,
  withStepped,
  withStillborn,
  withStrike,
} from './faults/exclusion.js';
import { recover } from './faults/incident.js';
import { breakWithTrouble, withReport } from './faults/trouble.js';
import { rankIn, withMember, withStarted, type Generation } from './generation.js';
import { decline, enforce } from './ring/change.js';
import { hasPromised } from './ring/fence.js';
import { withSpeed } from './ring/shares.js';
import { trainerOf, withTrainers, type Run, type Trainer } from './run.js';

type Message<Type extends TrainerMessage['type']> = Extract<TrainerMessage, { type: Type }>;

/**
 * What a trainer's message makes of a run. One of a planned generation that only a ring at work in it can send proves
 * that it has come true; one of a generation that is over changes nothing but the history.
 */
export function onMessage(
  run: Run,
  trainer: Trainer,
  message: TrainerMessage,
  context: Context,
): Run {
  if (message.type === 'ready') return onReady(run, trainer, message, context);
  if (message.type === 'failed' && message.generation === 0) {
    return trainer.ready ? run : onLoadFailed(run, trainer, message, context);
  }
  if (message.type === 'checkpointed') return onCheckpointed(run, trainer, message, context);
  if (message.type === 'checkpoint-failed')
    return onCheckpointFailed(run, trainer, message, context);
  const planned = run.planned.find(({ generation }) => generation === message.generation);
  if (planned !== undefined && isConcerned(planned, trainer)) {
    if (message.type === 'prepared') return onPlannedPrepared(run, planned, trainer, message);
    if (message.type === 'failed') return onPlannedFailed(run, planned, trainer, message, context);
    return planned.told === null
      ? run
      : inForce(enforce(run, planned, context), trainer, message, context);
  }
  return inForce(run, trainer, message, context);
}

function isConcerned(planned: Generation, { id }: Trainer): boolean {
  return rankIn(planned, id) >= 0 || planned.retiring.includes(id);
}

/** A message of the ring in force, or of the one before. */
function inForce(
  run: Run,
  trainer: Trainer,
  message: Exclude<TrainerMessage, { type: 'ready' | 'checkpointed' | 'checkpoint-failed' }>,
  context: Context,
): Run {
  const { ring } = run;
  if (message.type === 'retired') return onRetired(run, trainer, message, context);
  if (ring?.generation !== message.generation || rankIn(ring, trainer.id) < 0)
    return ofPrevious(run, trainer, message, context);
  if (message.type === 'failed') return onFailed(run, ring, trainer, message, context);
  if (message.type === 'prepared') {
    if (ring.told !== null || ring.from !== null) return run;
    const { endpoint, donor, state, interrupted } = message;
    const prepared = { endpoint, donor, state, interrupted };
    return { ...run, ring: withMember(ring, trainer.id, { prepared }) };
  }
  if (ring.told === null) return run;
  const heard = { ...run, observed: { ...run.observed, heard: context.now } };
  switch (message.type) {
    case 'started': {
      const started = withMember(ring, trainer.id, { started: message.transferSeconds });
      return { ...heard, ring: withStarted(started, false, context.now) };
    }
    case 'progress':
      return onProgress(heard, ring, trainer, message, context);
    case 'finished':
      return onFinished(heard, ring, trainer, message, context);
  }
}

/** What a ring that was replaced still has to say: what it applied, and why it ended. */
function ofPrevious(run: Run, trainer: Trainer, message: TrainerMessage, context: Context): Run {
  const { previous, ring } = run;
  if (!('generation' in message) || previous?.generation !== message.generation) return run;
  const rank = previous.ranks.indexOf(trainer.id);
  if (rank < 0 || hasPromised(run, trainer.id)) return run;
  if (message.type === 'progress') return withHistory(run, message);
  if (message.type !== 'failed') return run;
  const report = { rank, blames: message.blames, what: message.error.message };
  // It was to switch with the others, and has not: they wait for it.
  if (ring !== null && ring.from === previous.generation && rankIn(ring, trainer.id) >= 0)
    return onFailed(run, ring, trainer, { ...message, blames: [] }, context);
  return withReport(run, previous.generation, report);
}

function onReady(run: Run, trainer: Trainer, message: Message<'ready'>, context: Context): Run {
  if (trainer.ready) return run;
  const numerics = run.numerics ?? message.numerics;
  const key = Object.keys({ ...numerics, ...message.numerics }).find(
    (name) => name !== 'node' && numerics[name] !== message.numerics[name],
  );
  if (key !== undefined) {
    const { worker } = trainer;
    const [found, expected] = [message.numerics[key] ?? 'unknown', numerics[key] ?? 'unknown'];
    const error = new RingmasterError('NUMERICS_MISMATCH', { worker, key, found, expected });
    recordFailure(run, trainer, `was refused: ${error.message}`, context);
    return end(withExcluded(run, worker), trainer.id, context);
  }
  return {
    ...withTrainers(run, [trainer.id], { ready: true }),
    numerics: withNode(numerics, message.numerics['node']),
    steps: message.steps,
    parameters: message.parameters,
  };
}

type Numerics = NonNullable<Run['numerics']>;

/** The record with one more release of Node: no byte depends on it, so a run may have several, and keeps them all. */
function withNode(numerics: Numerics, node: string | undefined): Numerics {
  const known = numerics['node']?.split(' ') ?? [];
  if (node === undefined || known.includes(node)) return numerics;
  return { ...numerics, node: [...known, node].join(' ') };
}

function onLoadFailed(
  run: Run,
  trainer: Trainer,
  message: Message<'failed'>,
  context: Context,
): Run {
  const repaired = withRepair(run, trainer, message, context);
  if (repaired !== null) return repaired;
  const { error, fatal } = message;
  const what = `could not load: ${error.message}`;
  recordFailure(run, trainer, what, context);
  const ended = end(run, trainer.id, context);
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
  context: Context,
): Run {
  const isNew = (id: string) => rankIn(run.ring, id) < 0;
  const blamed = blames.flatMap((rank) => planned.members[rank]?.trainer ?? []).filter(isNew);
  const atFault = isNew(trainer.id) ? [trainer.id] : blamed;
  const what = `could not join generation ${planned.generation}: ${error.message}`;
  return decline(run, planned, atFault, what, context);
}

function onRetired(
  run: Run,
  trainer: Trainer,
  { step }: Message<'retired'>,
  context: Context,
): Run {
  const { ring } = run;
  if (ring?.retiring.includes(trainer.id) !== true) return run;
  const retiring = ring.retiring.filter((id) => id !== trainer.id);
  const next = { ...run, step: Math.max(run.step, step), ring: { ...ring, retiring } };
  // When everyone leaves, they keep the state until it is durable.
  return ring.members.length === 0 ? next : end(next, trainer.id, context);
}

function onProgress(
  run: Run,
  ring: Generation,
  trainer: Trainer,
  message: Message<'progress'>,
  context: Context,
): Run {
  // A step needs everyone: whoever has not said so has started as well.
  const proven = message.steps.length > 0;
  const next = { ...withHistory(run, message), ring: withStarted(ring, proven, context.now) };
  if (!proven) return next;
  const ids = ring.members.map((member) => member.trainer);
  const stepped = withStepped(withSpeed(next, trainer.id, message.steps), ids);
  const fresh = { ...stepped, breaks: 0, formAfter: 0, repairs: 0, suspect: null, distrust: false };
  return recover(fresh, context);
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
  context: Context,
): Run {
  if (ring.members[0]?.trainer !== trainer.id || model === null) {
    const finished = withMember(ring, trainer.id, { finished: true });
    return { ...run, ring: withStarted(finished, true, context.now) };
  }
  const { step, stateHash } = position;
  const result = { stateHash, model, metrics };
  context.commands.push({ type: 'register-model', result });
  // Nothing goes on from a state any more: the model is what others begin from.
  return withNewest({ ...run, step, state: 'succeeded', result }, run.limits.keepAtEnd, context);
}

function onFailed(
  run: Run,
  ring: Generation,
  trainer: Trainer,
  message: Message<'failed'>,
  context: Context,
): Run {
  const { error, fatal, blames } = message;
  const step = Math.max(run.step, message.step);
  const rank = rankIn(ring, trainer.id);
  const what = error.message;
  if (fatal) {
    recordFailure(run, trainer, `could not go on: ${what}`, context);
    return { ...run, state: 'failed', error };
  }
  const repaired = withRepair(run, trainer, message, context);
  if (repaired !== null) return repaired;
  if (error.code === 'CHECKPOINT_DAMAGED' && run.checkpoints.length > 0) {
    const broke = { heard: run.observed.heard, known: context.now };
    recordFailure(run, trainer, `could not go on: ${what}`, context, { step, broke });
    return withoutDamaged(breakRing(run, context), context);
  }
  if (error.code === 'STATE_DIVERGED' || error.code === 'AUDIT_MISMATCH') {
    const present = blames.filter((blamed) => isHere(run, ring, blamed));
    if (present.length === 0) return withoutMajority(run, ring, step, context);
    return breakRing(quarantine(run, ring, present, step, context), context);
  }
  return breakWithTrouble(run, ring, [{ rank, blames, what }], step, context);
}

function isHere(run: Run, ring: Generation, rank: number): boolean {
  return trainerOf(run, ring.members[rank]?.trainer ?? '') !== undefined;
}
