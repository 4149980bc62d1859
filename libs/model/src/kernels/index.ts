import type { Ops } from '@ringmaster/tensorflow';
import { ComposedKernels } from './composed/composed.js';
import type { Kernels } from './kernels.js';
import { NativeKernels } from './native.js';

export type { Activation, Attended, Kernels, Sight } from './kernels.js';

/** The fastest kernels that there are for the device of a runtime. */
export function kernelsFor(ops: Ops): Kernels {
  return ops.runtime.device === 'cpu' ? new NativeKernels(ops) : new ComposedKernels(ops);
}
