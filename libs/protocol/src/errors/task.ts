import { entry } from './define.js';

/** "Rank 2 has", "Ranks 1 and 2 have". */
function named(ranks: readonly number[]): string {
  return ranks.length === 1 ? `Rank ${ranks.join()} has` : `Ranks ${ranks.join(' and ')} have`;
}

/** Errors of training and of what a finished model is asked to do. */
export const taskErrors = {
  CLASS_WEIGHTS_UNMATCHED: entry<{ name: string; labels: readonly string[] }>({
    status: 422,
    exit: 2,
    fault: 'job',
    message: ({ name, labels }) =>
      `loss.classWeights names '${name}', and the labels of the data are ${labels.join(', ')}`,
    remedy: "Name labels as the data has them, or take 'balanced'.",
  }),
  TRAINING_EMPTY: entry<{ steps: number }>({
    status: 400,
    exit: 1,
    fault: 'job',
    message: ({ steps }) =>
      `None of the ${steps} steps had anything to learn: no token or label of any microbatch counted`,
    remedy:
      'Look at the data as the model reads them with: ringmaster data inspect JOB.yaml; texts of unknown tokens and of one token have no target.',
  }),
  TRAINING_NON_FINITE: entry<{
    /** Step that met the value, from 0. */
    step: number;
    microbatch: number;
    /** What was not finite: a parameter's gradient, the loss, or a metric. */
    tensor: string;
    /** Rank that computed it. */
    rank: number;
    /** Steps in a row that made no update for such a value. */
    inARow: number;
  }>({
    status: 500,
    exit: 1,
    fault: 'job',
    message: ({ step, microbatch, tensor, rank, inARow }) =>
      `Step ${step} met a value that is not finite in '${tensor}' of microbatch ${microbatch}, which rank ${rank} computed` +
      (inARow > 1 ? `; it is the last of ${inARow} such steps in a row` : ''),
    remedy:
      'Lower optimizer.learningRate, lengthen the warm-up, or look at the data of that microbatch.',
  }),
  STATE_MISMATCH: entry<{ step: number; expected: string; actual: string }>({
    status: 500,
    exit: 1,
    message: ({ step, expected, actual }) =>
      `The state at step ${step} has the hash ${actual.slice(0, 12)}…, not ${expected.slice(0, 12)}…`,
    remedy:
      'Run all workers on one kind of processor with one Ringmaster version, and check the memory of this host.',
  }),
  STATE_DIVERGED: entry<{
    /** Step before which the ranks compared their states. */
    step: number;
    /** Ranks that hold another state than the majority; empty without one. */
    ranks: readonly number[];
  }>({
    status: 500,
    exit: 1,
    message: ({ step, ranks }) =>
      ranks.length === 0
        ? `The ranks hold different states at step ${step}, and no majority tells which one is right`
        : `${named(ranks)} another state at step ${step} than the majority`,
    remedy:
      'Test the memory and the processor of that host. The run goes on from the state of the majority, or from a checkpoint.',
  }),
  AUDIT_MISMATCH: entry<{
    step: number;
    /** The microbatch that was computed by several ranks. */
    microbatch: number;
    /** Ranks that made other bytes of it than the majority; empty without one. */
    ranks: readonly number[];
  }>({
    status: 500,
    exit: 1,
    message: ({ step, microbatch, ranks }) =>
      ranks.length === 0
        ? `The ranks made different bytes of microbatch ${microbatch} of step ${step}, and no majority tells which are right`
        : `${named(ranks)} other bytes for microbatch ${microbatch} of step ${step} than the majority`,
    remedy:
      'Test the memory and the processor of that host. Nothing was applied; the step is made again.',
  }),
  CHECKPOINT_DAMAGED: entry<{ manifest: string; reason: string }>({
    status: 500,
    exit: 1,
    message: ({ manifest, reason }) =>
      `Checkpoint ${manifest.slice(0, 12)}… cannot be used: ${reason}`,
    remedy: 'The run goes on from the one before; check the disk that holds the home directory.',
  }),
  PREDICT_INPUT_INVALID: entry<{ line: number; reason: string }>({
    status: 400,
    exit: 2,
    message: ({ line, reason }) => `Line ${line} of the input is not valid: ${reason}`,
    remedy:
      'Give one JSON object a line, with what the model predicts from: "text", or "tokens" of one that tags words.',
  }),
  MODEL_TOO_LARGE: entry<{ parameters: number; gigabytes: number; room: number }>({
    status: 400,
    exit: 2,
    fault: 'job',
    message: ({ parameters, gigabytes, room }) =>
      `A model of ${parameters} parameters needs ${gigabytes.toFixed(1)} GB for its state and gradients; a trainer here has room for ${room.toFixed(1)}`,
    remedy:
      'Make the model smaller, or train on a machine with more memory. Where Ringmaster was built without a C++ compiler, a trainer has room for 4.3 GB: install g++ and build again.',
  }),
  PREDICTION_DIED: entry<{ signal: string }>({
    status: 500,
    exit: 1,
    message: ({ signal }) => `The process that runs the model was killed by ${signal}`,
    remedy: 'Check the memory of the machine, then try again.',
  }),
  MODEL_UNUSABLE: entry<{ model: string; reason: string }>({
    status: 400,
    exit: 2,
    fault: 'job',
    message: ({ model, reason }) => `Model ${model} cannot be used: ${reason}`,
    remedy: 'Look at it with: ringmaster model show MODEL',
  }),
} as const;
