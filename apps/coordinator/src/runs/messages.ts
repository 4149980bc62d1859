import { RingmasterError, type TrainerMessage } from '@ringmaster/protocol';
import { formRingOfAll, withMember } from './formation.js';
import type { Checkpoint, Ring, Run, Trainer } from './run.js';
import { withLoadFailure, withoutPassed, withStrike } from './strikes.js';
import type { Turn } from './turn.js';

type Message<Type extends TrainerMessage['type']> = Extract<TrainerMessage, { type: Type }>;

/** What a trainer's message makes of a run. A message of any generation but the present one changes nothing. */
export function onMessage(run: Run, trainer: Trainer, message: TrainerMessage, turn: Turn): Run {
  if (message.type === 'ready') return onReady(run, trainer, message, turn);
  if (message.type === 'failed' && message.generation === 0) {
    return trainer.ready ? run : onLoadFailed(run, trainer, message, turn);
  }
  const { ring } = run;
  if (ring?.generation !== message.generation) return run;
  const rank = ring.members.findIndex((member) => member.trainer === trainer.id);
  if (rank < 0) return run;
  if (message.type === 'failed') return onFailed(run, ring, trainer, message, turn);
  if (message.type === 'prepared') {
    if (ring.started) return run;
    const { endpoint, donor, state } = message;
    const change = { prepared: { endpoint, donor, state } };
    return { ...run, ring: withMember(ring, trainer.id, change, turn) };
  }
  if (!ring.started) return run;
  switch (message.type) {
    case 'progress':
      return onProgress({ ...run, ring: { ...ring, heard: turn.now } }, message);
    case 'checkpointed':
      return onCheckpointed({ ...run, ring: { ...ring, heard: turn.now } }, message, turn);
    case 'finished':
      return onFinished(run, ring, trainer, message, turn);
    default:
      return run;
  }
}

function onReady(run: Run, trainer: Trainer, message: Message<'ready'>, turn: Turn): Run {
  if (trainer.ready) return run;
  const numerics = run.numerics ?? message.numerics;
  const key = Object.keys({ ...numerics, ...message.numerics }).find(
    (name) => numerics[name] !== message.numerics[name],
  );
  if (key !== undefined) {
    const { worker } = trainer;
    const [found, expected] = [message.numerics[key] ?? 'unknown', numerics[key] ?? 'unknown'];
    const error = new RingmasterError('NUMERICS_MISMATCH', { worker, key, found, expected });
    const refused = { ...run, excluded: [...run.excluded, worker] };
    return dismiss(refused, trainer, `was refused: ${error.message}`, turn);
  }
  const trainers = run.trainers.map((other) =>
    other.id === trainer.id ? { ...other, ready: true } : other,
  );
  return { ...run, numerics, steps: message.steps, trainers };
}

function onProgress(run: Run, { steps }: Message<'progress'>): Run {
  const step = Math.max(run.step, ...steps.map((report) => report.step));
  const slowestStep = Math.max(run.slowestStep, ...steps.map(({ seconds }) => seconds));
  return withoutPassed({ ...run, step, slowestStep }, step);
}

function onCheckpointed(run: Run, message: Message<'checkpointed'>, turn: Turn): Run {
  const { position, manifest } = message;
  const { step } = position;
  if (step <= (run.checkpoints.at(-1)?.position.step ?? -1)) return run;
  const checkpoint: Checkpoint = { position, manifest };
  turn.commands.push({ type: 'keep-checkpoint', checkpoint });
  const all = [...run.checkpoints, checkpoint];
  for (const old of all.slice(0, -run.limits.keep)) {
    turn.commands.push({ type: 'drop-checkpoint', checkpoint: old });
  }
  const next = { ...run, checkpoints: all.slice(-run.limits.keep) };
  const someoneWaits = run.trainers.some(({ ready, seated }) => ready && !seated);
  // Joining costs the steps since the newest checkpoint, so never fewer than now.
  return someoneWaits && step !== run.steps ? formRingOfAll(next, turn) : next;
}

function onFinished(
  run: Run,
  ring: Ring,
  trainer: Trainer,
  message: Message<'finished'>,
  turn: Turn,
): Run {
  const { position, model, metrics } = message;
  const { step, stateHash } = position;
  if (ring.members[0]?.trainer !== trainer.id || model === null) {
    return { ...run, ring: withMember(ring, trainer.id, { finished: true }, turn) };
  }
  const result = { stateHash, model, metrics };
  turn.commands.push({ type: 'register-model', result });
  return { ...run, step, state: 'succeeded', result };
}

function onFailed(
  run: Run,
  ring: Ring,
  trainer: Trainer,
  { error, fatal, step: reported }: Message<'failed'>,
  turn: Turn,
): Run {
  const step = Math.max(run.step, reported);
  const what = `could not go on: ${error.message}`;
  turn.happenings.push({ trainer, step, what, lastLines: [] });
  if (fatal) return { ...run, state: 'failed', error };
  const broken = { ...run, ring: null };
  const newest = run.checkpoints.at(-1);
  if (error.code === 'CHECKPOINT_DAMAGED' && newest !== undefined) {
    turn.commands.push({ type: 'drop-checkpoint', checkpoint: newest });
    return { ...broken, checkpoints: run.checkpoints.slice(0, -1) };
  }
  const members = ring.members.map((member) => member.trainer);
  return withStrike(broken, { step, exited: false, members }, what);
}

function onLoadFailed(
  run: Run,
  trainer: Trainer,
  { error, fatal }: Message<'failed'>,
  turn: Turn,
): Run {
  const what = `could not load: ${error.message}`;
  const next = withLoadFailure(dismiss(run, trainer, what, turn), trainer);
  // What others have loaded is not at fault: then it is the worker.
  if (fatal && run.generation === 0) return { ...next, state: 'failed', error };
  if (trainer.strikesBefore !== run.strikesEver) return next;
  return withStrike(next, { step: run.step, exited: true, members: [trainer.id] }, what);
}

/** Ends a trainer that has no place in the run. */
export function dismiss(run: Run, trainer: Trainer, what: string, turn: Turn): Run {
  turn.happenings.push({ trainer, step: run.step, what, lastLines: [] });
  turn.commands.push({ type: 'end', trainer: trainer.id });
  return { ...run, trainers: run.trainers.filter(({ id }) => id !== trainer.id) };
}
