import { log } from '@ringmaster/base';
import type { Kernels, Tensor } from '@ringmaster/tensorflow';
import { downloaded, nats } from './cross-entropy.js';
import type { Pass } from './layer.js';

/** What a loss has beside the cross-entropy with one target a row. */
export interface LossTerms {
  /** Share of a target that is spread over all classes (Szegedy et al., 2016), in [0, 1). */
  readonly labelSmoothing: number;
  /** Factor on the square of log Z, the logarithm of the softmax's denominator (Chowdhery et al., "PaLM", 2022). */
  readonly zLoss: number;
  /** Weight of each class [V], which a row has of its target; null where all are 1. */
  readonly classWeights: readonly number[] | null;
}

/** The loss of rows, and its gradient. */
export interface Entropy {
  /** Nats, of each row [K]. */
  readonly losses: Float64Array;
  /** What a mean of the losses divides their sum by: the rows, or the weights of their targets. */
  readonly weight: number;
  /** T[K,V], of the sum of the losses. */
  readonly dLogits: Tensor;
  /** [V]; null where there is no bias. */
  readonly dBias: Tensor | null;
}

/**
 * The loss of logits T[K,V] + bias [V] against K targets, with the terms that the pass says, as
 * `torch.nn.CrossEntropyLoss(weight, label_smoothing)` has them:
 *   w_y · (1 - s) · (log Z - z_y) + s / V · Σ_v w_v · (log Z - z_v) + λ · w_y · log² Z
 */
export function entropyOf(
  pass: Pass,
  logits: Tensor,
  bias: Tensor | null,
  targets: Int32Array,
): Entropy {
  const { ops, kernels, loss } = pass;
  if (loss !== null && targets.length > 0)
    return ops.runtime.scope(() => {
      const plain = kernels.crossEntropy(logits, bias, targets);
      return withTerms(pass, loss, { logits, bias, targets }, plain);
    });
  const plain = kernels.crossEntropy(logits, bias, targets);
  const losses = Float64Array.from(ops.runtime.download(plain.probabilities), nats);
  return { ...plain, losses, weight: targets.length };
}

interface Scored {
  readonly logits: Tensor;
  readonly bias: Tensor | null;
  readonly targets: Int32Array;
}

function withTerms(
  { ops }: Pass,
  { labelSmoothing, zLoss, classWeights }: LossTerms,
  { logits, bias, targets }: Scored,
  plain: ReturnType<Kernels['crossEntropy']>,
): Entropy {
  const { runtime } = ops;
  const classes = logits.shape.at(-1) ?? 1;
  const wide = ops.float32(logits);
  const scores = bias === null ? wide : ops.addBias(wide, bias);
  const differences = ops.float32(plain.dLogits);
  const cellsOf = (columns: ArrayLike<number>) =>
    runtime.upload(
      Int32Array.from(columns, (column, row) => row * classes + column),
      [targets.length],
    );
  const at = (matrix: Tensor, cells: Tensor) =>
    downloaded(ops, ops.gatherRows(ops.reshape(matrix, [-1, 1]), cells));
  const likeliest = Int32Array.from(runtime.download(ops.argMax(scores)), Number);
  const [ofTargets, ofLikeliest] = [cellsOf(targets), cellsOf(likeliest)];
  const probabilities = downloaded(ops, plain.probabilities);
  const targetScores = at(scores, ofTargets);
  const topScores = at(scores, ofLikeliest);
  const topDifferences = at(differences, ofLikeliest);
  const weights =
    classWeights === null ? null : runtime.upload(Float32Array.from(classWeights), [classes]);
  const weighted = weights === null ? scores : ops.chain(scores).multiply(weights).value;
  const means = downloaded(ops, ops.rowMeans(weighted));
  const meanWeight = (classWeights?.reduce((sum, each) => sum + each, 0) ?? classes) / classes;

  const losses = new Float64Array(targets.length);
  const factors = new Float32Array(targets.length);
  const spread = new Float32Array(targets.length);
  let weight = 0;
  for (const [row, target] of targets.entries()) {
    const top = likeliest[row] === target ? probabilities[row] : topDifferences[row];
    // The likeliest class has at least 1 / V, so that nothing is lost of log Z where the target has nothing left.
    const logZ = (topScores[row] ?? 0) - log(top ?? 1);
    const own = classWeights?.[target] ?? 1;
    const sharp = own * (1 - labelSmoothing);
    const smooth = labelSmoothing * (meanWeight * logZ - (means[row] ?? 0));
    losses[row] = sharp * (logZ - (targetScores[row] ?? 0)) + smooth + zLoss * own * logZ * logZ;
    weight += own;
    const pull = labelSmoothing * meanWeight + 2 * zLoss * own * logZ;
    factors[row] = sharp + pull;
    spread[row] = -pull;
  }
  // From p - onehot: (sharp + pull) · p - sharp · onehot - s / V · w.
  const column = [targets.length, 1];
  let gradient = ops.chain(differences).multiply(runtime.upload(factors, column)).value;
  if (labelSmoothing > 0) {
    const away = Float32Array.from(
      { length: classes },
      (_, each) => (-labelSmoothing * (classWeights?.[each] ?? 1)) / classes,
    );
    gradient = ops.chain(gradient).add(runtime.upload(away, [classes])).value;
  }
  const cells = ops.reshape(gradient, [-1, 1]);
  ops.subtractFromRowsInPlace(cells, ofTargets, runtime.upload(spread, column));
  return {
    losses,
    weight,
    dLogits: logits.dtype === 'float32' ? gradient : ops.factor(gradient),
    dBias: bias === null ? null : ops.columnSums(gradient),
  };
}
