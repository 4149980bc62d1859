import { adamW, type AdamSettings } from './adamw.js';
import type { Algorithm, UpdatedTensor, UpdateScalars } from './algorithm.js';
import type { OptimizerKernels } from './kernels.js';
import type { TensorLayout } from './layout.js';
import { ADAM_MOMENTS } from './elementwise.js';

/** Settings of Muon; the names are those of a job file's `optimizer`. Those of AdamW are for what is no matrix. */
export interface MuonSettings extends AdamSettings {
  /** Decay rate of the running mean of gradients of a matrix. */
  readonly momentum: number;
  /** Whether the gradient is followed from where the mean leads (Nesterov). */
  readonly nesterov: boolean;
}

/** Coefficients of an iteration a·X + (b·G + c·G²)·X with G = X·Xᵀ, of Jordan's. */
const [A, B, C] = [3.4445, -4.775, 2.0315];
const ITERATIONS = 5;
/** Least norm that a matrix is divided by. */
const EPSILON = 1e-7;
/** Root mean square of an update before the learning rate, about that of AdamW's. */
const ROOT_MEAN_SQUARE = 0.2;

/**
 * Muon (Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024): a matrix moves along the
 * orthogonal matrix that is nearest to the running mean of its gradients, as five iterations of Newton and Schulz find it.
 * As `torch.optim.Muon` with `adjust_lr_fn="match_rms_adamw"` (Liu et al., "Muon is scalable for LLM training", 2025), but
 * in float32, where that rounds to bfloat16. Matrices that are stacked in one tensor are each one. Tables of embeddings,
 * heads, norms and biases are AdamW's, with the same learning rate.
 */
export function muon(settings: MuonSettings): Algorithm {
  const others = adamW(settings);
  return {
    moments: [
      { name: 'momenta', elements: (of) => (isMatrix(of) ? of.length : 0) },
      ...ADAM_MOMENTS.map(({ name }) => ({
        name,
        elements: (of: TensorLayout) => (isMatrix(of) ? 0 : of.length),
      })),
    ],
    scratch(of) {
      if (!isMatrix(of)) return 0;
      const { rows, columns } = extentOf(of);
      return scratchOf(rows, columns).end / 4;
    },
    update(kernels, updated, scalars) {
      const [momenta = 0, ...moments] = updated.moments;
      const { tensor } = updated;
      if (!isMatrix(tensor)) {
        others.update(kernels, { ...updated, moments }, scalars);
        return;
      }
      const { rows, columns } = extentOf(tensor);
      for (let part = 0; part < (tensor.matrices ?? 1); part++) {
        const start = 4 * part * rows * columns;
        const parameters = updated.parameters + start;
        const gradients = updated.gradients + start;
        const matrix = { ...updated, parameters, gradients, momenta: momenta + start };
        updateMatrix(kernels, { ...matrix, rows, columns }, scalars, settings);
      }
    },
  };
}

function isMatrix({ matrices }: TensorLayout): boolean {
  return matrices !== undefined;
}

function extentOf({ shape, matrices = 1 }: TensorLayout) {
  const [rows = 1, columns = 1] = shape;
  return { rows: rows / matrices, columns };
}

/** Byte offsets in the scratch: three arrays of the matrix's size, and two of the square of its shorter side. */
function scratchOf(rows: number, columns: number) {
  const whole = 4 * rows * columns;
  const square = 4 * Math.min(rows, columns) ** 2;
  const gram = 3 * whole;
  return {
    x: 0,
    next: whole,
    transposed: 2 * whole,
    gram,
    polynomial: gram + square,
    end: gram + 2 * square,
  };
}

interface Matrix extends Pick<
  UpdatedTensor,
  'tensor' | 'parameters' | 'gradients' | 'factors' | 'scratch'
> {
  readonly momenta: number;
  readonly rows: number;
  readonly columns: number;
}

function updateMatrix(
  kernels: OptimizerKernels,
  matrix: Matrix,
  { learningRate }: UpdateScalars,
  { momentum, nesterov, weightDecay }: MuonSettings,
): void {
  const { parameters, gradients, momenta, factors, rows, columns, scratch } = matrix;
  const length = rows * columns;
  const direction = scratch + scratchOf(rows, columns).next;
  kernels.muonDirection(
    { momenta, direction, gradients, length },
    factors,
    1 - momentum,
    nesterov ? 1 - momentum : 0,
  );
  const orthogonal = orthogonalised(kernels, direction, matrix);
  const rate = learningRate * ROOT_MEAN_SQUARE * Math.sqrt(Math.max(rows, columns));
  const shrink = matrix.tensor.group === 'decay' ? 1 - learningRate * weightDecay : 1;
  kernels.descend(parameters, orthogonal, length, { rate, shrink });
}

/** Where the orthogonal matrix near a direction [rows, columns] is, in the scratch. */
function orthogonalised(
  kernels: OptimizerKernels,
  direction: number,
  { rows, columns, scratch }: Matrix,
): number {
  const places = scratchOf(rows, columns);
  const [gram, polynomial] = [scratch + places.gram, scratch + places.polynomial];
  const transposed = scratch + places.transposed;
  let [x, next] = [scratch + places.x, scratch + places.next];
  const length = rows * columns;
  const norm = Math.max(Math.sqrt(kernels.floatSquares(direction, length)), EPSILON);
  // With no more rows than columns, so that the squares are small.
  const isTall = rows > columns;
  const [short, long] = isTall ? [columns, rows] : [rows, columns];
  kernels.scaled(direction, length, 1 / norm);
  if (isTall) kernels.transpose(direction, x, rows, columns);
  else [x, next] = [next, x];
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    kernels.transpose(x, transposed, short, long);
    const square = { rows: short, inner: short, columns: short, alpha: 1, beta: 0 };
    kernels.floats(gram, short * short).fill(0);
    kernels.product({
      ...square,
      left: x,
      right: transposed,
      inner: long,
      addend: gram,
      into: gram,
    });
    const squared = { left: gram, right: gram, alpha: C, addend: gram, beta: B, into: polynomial };
    kernels.product({ ...square, ...squared });
    const applied = { left: polynomial, right: x, addend: x, beta: A, into: next };
    kernels.product({ ...square, ...applied, columns: long });
    [x, next] = [next, x];
  }
  if (!isTall) return x;
  kernels.transpose(x, next, short, long);
  return next;
}
