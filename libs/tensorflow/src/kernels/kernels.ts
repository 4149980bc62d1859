import type { Ops } from '../runtime/ops.js';

import { composedActivation, nativeActivation, type ActivationKernels } from './activation.js';
import { composedAddRows, nativeAddRows, type AddRowsKernels } from './add-rows.js';
import { composedAttention, nativeAttention, type AttentionKernels } from './attention.js';
import { composedBranch, nativeBranch, type BranchKernels } from './branch.js';
import {
  composedCrossEntropy,
  nativeCrossEntropy,
  type CrossEntropyKernels,
} from './cross-entropy.js';
import { composedDropout, nativeDropout, type DropoutKernels } from './dropout.js';
import { composedFewRows, nativeFewRows, type FewRowsKernels } from './few-rows.js';
import { composedGated, nativeGated, type GatedKernels } from './gated.js';
import { composedLstm, nativeLstm, type LstmKernels } from './lstm.js';
import {
  composedNegativeSampling,
  nativeNegativeSampling,
  type NegativeSamplingKernels,
} from './negative-sampling.js';
import { composedNormalise, nativeNormalise, type NormaliseKernels } from './normalise.js';
import {
  composedRmsNormalise,
  nativeRmsNormalise,
  type RmsNormaliseKernels,
} from './rms-normalise.js';
import { composedRotation, nativeRotation, type RotationKernels } from './rotation.js';
import {
  composedSelfAttention,
  nativeSelfAttention,
  type SelfAttentionKernels,
} from './self-attention.js';
import { composedWindows, nativeWindows, type WindowsKernels } from './windows.js';

/**
 * What a model computes between its matrix products, each a function of its arguments that owns none of them
 * unless it says so. `T` is the type of a factor of products (float32 or bfloat16): what comes from a product or goes
 * into one. The residual stream, parameters, masks and sums are float32, and so is all arithmetic. N rows are tokens.
 */
export type Kernels = ActivationKernels &
  AddRowsKernels &
  AttentionKernels &
  BranchKernels &
  CrossEntropyKernels &
  DropoutKernels &
  FewRowsKernels &
  GatedKernels &
  LstmKernels &
  NegativeSamplingKernels &
  NormaliseKernels &
  RmsNormaliseKernels &
  RotationKernels &
  SelfAttentionKernels &
  WindowsKernels;

/**
 * Kernels of our own as operations of TensorFlow, for processors: each is one pass over memory, in the widest vectors
 * that the processor has.
 */
export function nativeKernels(ops: Ops): Kernels {
  return {
    ...nativeActivation(ops),
    ...nativeAddRows(ops),
    ...nativeAttention(ops),
    ...nativeBranch(ops),
    ...nativeCrossEntropy(ops),
    ...nativeDropout(ops),
    ...nativeFewRows(ops),
    ...nativeGated(ops),
    ...nativeLstm(ops),
    ...nativeNegativeSampling(ops),
    ...nativeNormalise(ops),
    ...nativeRmsNormalise(ops),
    ...nativeRotation(ops),
    ...nativeSelfAttention(ops),
    ...nativeWindows(ops),
  };
}

/** Kernels composed of TensorFlow's own operations, for every device that has no kernels of ours. */
export function composedKernels(ops: Ops): Kernels {
  return {
    ...composedActivation(ops),
    ...composedAddRows(ops),
    ...composedAttention(ops),
    ...composedBranch(ops),
    ...composedCrossEntropy(ops),
    ...composedDropout(ops),
    ...composedFewRows(ops),
    ...composedGated(ops),
    ...composedLstm(ops),
    ...composedNegativeSampling(ops),
    ...composedNormalise(ops),
    ...composedRmsNormalise(ops),
    ...composedRotation(ops),
    ...composedSelfAttention(ops),
    ...composedWindows(ops),
  };
}

/** The fastest kernels that there are for the device of a runtime. */
export function kernelsFor(ops: Ops): Kernels {
  return ops.runtime.device === 'cpu' ? nativeKernels(ops) : composedKernels(ops);
}
