import { attribute } from '../runtime/attributes.js';
import type { Attribute } from '../runtime/binding.js';
import type { Runtime } from '../runtime/runtime.js';
import type { DataType, Tensor } from '../runtime/tensor.js';

// What native kernels have in common: operations of ours, compiled with the binding and registered when it is loaded.

const TYPED: Partial<Record<DataType, readonly Attribute[]>> = {
  float32: [attribute.type('T', 'float32')],
  bfloat16: [attribute.type('T', 'bfloat16')],
};

/** The attribute T of an operation on x. */
export function typed({ dtype }: Pick<Tensor, 'dtype'>): readonly Attribute[] {
  const attributes = TYPED[dtype];
  if (attributes === undefined) throw new Error(`There are no kernels for ${dtype}`);
  return attributes;
}

/** What stands for an input that is not there. */
export function none(runtime: Runtime): Tensor {
  return runtime.constant('none', () => runtime.upload(new Float32Array(0), [0]));
}

/** What stands for a bias of the columns of x that is not there: zeros [C]. */
export function zeroBias(runtime: Runtime, x: Tensor): Tensor {
  const columns = x.shape.at(-1) ?? 0;
  return runtime.constant(`zeros${columns}`, () =>
    runtime.upload(new Float32Array(columns), [columns]),
  );
}

/** Lengths of sequences, int32 [B]; [0] where all are full. */
export function lengthsTensor(runtime: Runtime, lengths: Int32Array | null): Tensor {
  const given = lengths ?? new Int32Array(0);
  return runtime.upload(given, [given.length]);
}

/** The only tensor of a list. */
export function single(tensors: readonly Tensor[]): Tensor {
  const [only] = tensors;
  if (only === undefined || tensors.length !== 1)
    throw new Error(`Expected one tensor, not ${tensors.length}`);
  return only;
}

/** Two tensors, of an operation that has as many outputs. */
export function pair(tensors: readonly Tensor[]): readonly [Tensor, Tensor] {
  const [first, second] = tensors;
  if (first === undefined || second === undefined || tensors.length !== 2)
    throw new Error(`Expected two tensors, not ${tensors.length}`);
  return [first, second];
}

/** Three tensors, of an operation that has as many outputs. */
export function triple(tensors: readonly Tensor[]): readonly [Tensor, Tensor, Tensor] {
  const [first, second, third] = tensors;
  if (first === undefined || second === undefined || third === undefined || tensors.length !== 3)
    throw new Error(`Expected three tensors, not ${tensors.length}`);
  return [first, second, third];
}

/** Four tensors, of an operation that has as many outputs. */
export function quadruple(tensors: readonly Tensor[]): readonly [Tensor, Tensor, Tensor, Tensor] {
  const [first, ...others] = tensors;
  if (first === undefined) throw new Error('Expected four tensors, not none');
  return [first, ...triple(others)];
}
