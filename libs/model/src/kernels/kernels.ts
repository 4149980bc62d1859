import type { RandomKey } from '@ringmaster/base';
import type { DataType, Tensor } from '@ringmaster/tensorflow';

/** Gaussian error linear units (Hendrycks and Gimpel, 2016): exact, and GPT-2's tanh form (`gelu_new`). */
export type Activation = 'gelu' | 'gelu-tanh';

/**
 * What a transformer computes between its matrix products, each a function of its arguments that owns none of them.
 * `T` is the type of a factor of products (float32 or bfloat16): what comes from a product or goes into one. The
 * residual stream, parameters, masks and sums are float32, and so is all arithmetic. N rows are tokens.
 */
export interface Kernels {
  /** activation(x + bias) for x T[N,C] and bias [C], null for none: T[N,C]. */
  activate(kind: Activation, x: Tensor, bias: Tensor | null): Tensor;

  /** The gradient through `activate` of dy T[N,C]: dx T[N,C] and, whether there is a bias or not, dBias [C]. */
  activateGradient(
    kind: Activation,
    dy: Tensor,
    x: Tensor,
    bias: Tensor | null,
  ): ActivationGradient;

  /** x + (branch + bias) ∘ mask for a stream x [N,H] and a branch T[N,H]; null stands for no bias and no mask. */
  addBranch(x: Tensor, branch: Tensor, bias: Tensor | null, mask: Tensor | null): Tensor;

  /** Layer normalisation of x [N,H] (Ba, Kiros and Hinton, 2016), as y of `type` [N,H]. */
  normalise(x: Tensor, gain: Tensor, shift: Tensor, epsilon: number, type: DataType): Normalised;

  /** The gradient through `normalise` of dy T[N,H]; `along` [N,H], if any, is added to dx [N,H]. */
  normaliseGradient(
    dy: Tensor,
    x: Tensor,
    statistics: Normalised['statistics'],
    gain: Tensor,
    along: Tensor | null,
  ): NormaliseGradient;

  /**
   * Packed T[B·T,3AD], whose rows hold the queries of all A heads, then the keys, then the values, plus bias [3AD], null
   * for none: queries / √D, keys and values, T[B,A,T,D] each.
   */
  splitHeads(packed: Tensor, bias: Tensor | null, sequences: number, heads: number): Heads;

  /** The gradient through `splitHeads`: dPacked T[B·T,3AD] and dBias [3AD]. */
  mergeHeads(gradients: Heads): { readonly dPacked: Tensor; readonly dBias: Tensor };

  /** Softmax over keys of scores T[B,A,Q,K] + bias, which is [Q,K] or [B,1,1,K]: T[B,A,Q,K]. */
  attentionSoftmax(scores: Tensor, bias: Tensor | null): Tensor;

  /** The gradient through `attentionSoftmax` and a dropout mask after it, from that of what was dropped: T[B,A,Q,K]. */
  attentionSoftmaxGradient(probabilities: Tensor, dDropped: Tensor, mask: Tensor | null): Tensor;

  /**
   * softmax(q kᵀ / √D) ∘ mask · v of every head (Vaswani et al., 2017) for packed T[B·T,3AD] + bias [3AD], whose rows are
   * those of `splitHeads`: T[B·T,AD]. Takes ownership of `packed`.
   */
  selfAttention(packed: Tensor, bias: Tensor | null, options: AttentionOptions): Attended;

  /** The gradient through `selfAttention` of dContext T[B·T,AD]: dPacked T[B·T,3AD] and, whether there is a bias or not, dBias [3AD]. */
  selfAttentionGradient(
    dContext: Tensor,
    bias: Tensor | null,
    saved: Attended['saved'],
    options: AttentionOptions,
  ): { readonly dPacked: Tensor; readonly dBias: Tensor };

  /**
   * A dropout mask: float32 of `shape`, each element 0 with probability `dropped` / 65,536 and otherwise what makes the
   * mean 1. A function of its arguments only: Philox4x32-10 with that key, sixteen bits an element.
   */
  dropoutMask(shape: readonly number[], dropped: number, key: RandomKey): Tensor;

  /** x ∘ mask: T. */
  applyMask(x: Tensor, mask: Tensor): Tensor;

  /**
   * [V,H] plus, in its row indices[i], each row i of x [N,H], one after the other: float32. Takes ownership of the first,
   * whose memory the result may have.
   */
  addRows(to: Tensor, x: Tensor, indices: Tensor): Tensor;

  /**
   * Softmax cross-entropy of logits T[K,V] + bias [V] against K targets, SUMMED over rows: the gradient with respect to
   * the logits is softmax − one-hot.
   */
  crossEntropy(logits: Tensor, bias: Tensor | null, targets: Int32Array): CrossEntropy;
}

export interface ActivationGradient {
  readonly dx: Tensor;
  readonly dBias: Tensor;
}

export interface Normalised {
  readonly y: Tensor;
  /** What the gradient needs besides x: means and deviations of the rows, as it suits the kernels. */
  readonly statistics: readonly Tensor[];
}

export interface NormaliseGradient {
  readonly dx: Tensor;
  readonly dGain: Tensor;
  readonly dShift: Tensor;
}

/** T[B,A,T,D] each; queries have been divided by √D. */
export interface Heads {
  readonly queries: Tensor;
  readonly keys: Tensor;
  readonly values: Tensor;
}

/** Which keys of its own sequence a query may look at. */
export interface Sight {
  /** None after itself. */
  readonly causal: boolean;
  /** None beyond the real length of each sequence [B]; null where all are full. */
  readonly lengths: Int32Array | null;
}

export interface AttentionOptions {
  readonly sequences: number;
  readonly heads: number;
  readonly sight: Sight;
  /** The probabilities' dropout mask [B,A,T,T], or null. */
  readonly mask: Tensor | null;
}

export interface Attended {
  readonly context: Tensor;
  /** What the gradient needs besides its arguments, as it suits the kernels. */
  readonly saved: readonly Tensor[];
}

export interface CrossEntropy {
  /** Those of the targets [K,1], float32. */
  readonly probabilities: Tensor;
  /** T[K,V]. */
  readonly dLogits: Tensor;
  /** [V]; null where there is no bias. */
  readonly dBias: Tensor | null;
}

/** Both of two tensors. */
export function pair(tensors: readonly Tensor[]): readonly [Tensor, Tensor] {
  const [first, second, ...others] = tensors;
  if (first === undefined || second === undefined || others.length > 0)
    throw new Error(`Expected two tensors, not ${tensors.length}`);
  return [first, second];
}

/** All of three tensors. */
export function triple(tensors: readonly Tensor[]): readonly [Tensor, Tensor, Tensor] {
  const [first, second, third, ...others] = tensors;
  if (first === undefined || second === undefined || third === undefined || others.length > 0)
    throw new Error(`Expected three tensors, not ${tensors.length}`);
  return [first, second, third];
}
