import { createRequire } from 'node:module';

import { RingmasterError } from '@ringmaster/protocol';

import { provisioned } from '../provision/index.js';

/** One attribute of an operation, in the form that tfjs-node's binding reads. */
export interface Attribute {
  readonly name: string;
  /** `TF_AttrType` of TensorFlow's C API. */
  readonly type: number;
  readonly value: number | boolean | string | readonly number[];
}

/** What `@tensorflow/tfjs-node-gpu`'s native addon offers (its `binding/tfjs_binding.cc`). */
export interface Binding {
  readonly TF_Version: string;
  createTensor(shape: readonly number[], dtype: number, values: ArrayBufferView): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): ArrayBufferView;
  executeOp(
    op: string,
    attributes: readonly Attribute[],
    inputs: readonly number[],
    outputs: number,
  ): { readonly id: number; readonly shape: readonly number[]; readonly dtype: number }[];
  getNumOfTensors(): number;
  isUsingGpuDevice(): boolean;
}

/**
 * Loads TensorFlow's binding into this process. Only one thread of a process may do so: the addon is not safe in
 * several. Throws TENSORFLOW_NOT_PROVISIONED where it is not there; there is no other backend to fall back to.
 */
export function loadBinding(): Binding {
  const state = provisioned();
  if (!state.ready)
    throw new RingmasterError('TENSORFLOW_NOT_PROVISIONED', { reason: state.reason });
  const require = createRequire(import.meta.url);
  // Node 23 removed this function, which tfjs-node calls.
  const util = require('node:util') as { isNullOrUndefined?: (value: unknown) => boolean };
  util.isNullOrUndefined ??= (value) => value === null || value === undefined;
  // Threads of our kernels that have nothing to do leave their processors to others, rather than spin.
  process.env['OMP_WAIT_POLICY'] ??= 'passive';
  try {
    const tensorflow = require('@tensorflow/tfjs-node-gpu') as {
      backend(): { readonly binding: Binding };
    };
    return tensorflow.backend().binding;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n', 1)[0] : undefined;
    throw new RingmasterError(
      'TENSORFLOW_NOT_PROVISIONED',
      { reason: reason ?? String(cause) },
      { cause },
    );
  }
}
