import { exp, log } from '@ringmaster/base';
import type { Algorithm, UpdatedTensor, UpdateScalars } from './algorithm.js';
import type { OptimizerKernels } from './kernels.js';
import type { TensorLayout } from './layout.js';
import { perElement } from './moment.js';

/** Settings of Adafactor; the names are those of a job file's `optimizer`. */
export interface AdafactorSettings {
  /** Decay rate of the running mean of updates; none without. */
  readonly beta1?: number | undefined;
  /** Power of the number of the update by which the second moments are renewed: 1 - beta2 = number^decayRate. */
  readonly decayRate: number;
  /** Added to squared gradients. */
  readonly epsilon: number;
  /** Least root mean square of a tensor that its learning rate is multiplied with. */
  readonly epsilonScale: number;
  /** Largest root mean square that an update may have before the learning rate; a larger one is reduced to it. */
  readonly clipThreshold: number;
  /** Whether the learning rate of a tensor is multiplied with the root mean square of its parameters. */
  readonly scaleParameter: boolean;
  readonly weightDecay: number;
}

/**
 * Adafactor (Shazeer and Stern, "Adafactor: adaptive learning rates with sublinear memory cost", ICML 2018), in the form
 * of `Adafactor` of transformers: of the squared gradients of a matrix, running means of its rows and of its columns are
 * kept, of other tensors those of each element. Matrices that are stacked in one tensor are factored apart, and clipped
 * and scaled apart, as the tensors that they are elsewhere. Weight decay is decoupled.
 */
export function adafactor(settings: AdafactorSettings): Algorithm {
  return {
    moments: [
      { name: 'rowSecondMoments', elements: (of) => (isMatrix(of) ? (of.shape[0] ?? 0) : 0) },
      {
        name: 'columnSecondMoments',
        elements: (of) => (isMatrix(of) ? partsOf(of) * extentOf(of).columns : 0),
      },
      { name: 'secondMoments', elements: (of) => (isMatrix(of) ? 0 : of.length) },
      ...(settings.beta1 === undefined ? [] : [perElement('firstMoments')]),
    ],
    scratch(of) {
      const { rows, columns } = extentOf(of);
      return scratchOf(rows, columns).end / 4;
    },
    update(kernels, updated, scalars) {
      for (let part = 0; part < partsOf(updated.tensor); part++)
        updateMatrix(kernels, matrixIn(updated, part), scalars, settings);
    },
  };
}

function isMatrix({ shape }: TensorLayout): boolean {
  return shape.length === 2;
}

function partsOf(tensor: TensorLayout): number {
  return isMatrix(tensor) ? (tensor.matrices ?? 1) : 1;
}

/** The extent of what is factored; a vector is a row. */
function extentOf(tensor: TensorLayout): { readonly rows: number; readonly columns: number } {
  const [rows = 1, columns = 1] = tensor.shape;
  return isMatrix(tensor)
    ? { rows: rows / partsOf(tensor), columns }
    : { rows: 1, columns: tensor.length };
}

/** Byte offsets in the scratch: sums of columns in float64, factors of rows and of columns. */
function scratchOf(rows: number, columns: number) {
  const rowFactors = 8 * columns;
  const columnFactors = rowFactors + 4 * rows;
  return { columnSums: 0, rowFactors, columnFactors, end: columnFactors + 4 * columns };
}

/** One matrix of a tensor, by byte offsets; its squared gradients are factored. */
interface Matrix extends Pick<UpdatedTensor, 'parameters' | 'gradients' | 'factors'> {
  readonly rows: number;
  readonly columns: number;
  readonly columnSums: number;
  readonly rowFactors: number;
  readonly columnFactors: number;
  /** Null for a vector, which is not factored. */
  readonly rowMoments: number | null;
  readonly columnMoments: number;
  readonly firstMoments: number | null;
  readonly decays: boolean;
}

function matrixIn(updated: UpdatedTensor, part: number): Matrix {
  const { tensor, moments, factors, scratch } = updated;
  const { rows, columns } = extentOf(tensor);
  const [rowMoments = 0, columnMoments = 0, secondMoments = 0, firstMoments] = moments;
  const start = 4 * part * rows * columns;
  const { columnSums, rowFactors, columnFactors } = scratchOf(rows, columns);
  return {
    rows,
    columns,
    factors,
    parameters: updated.parameters + start,
    gradients: updated.gradients + start,
    columnSums: scratch + columnSums,
    rowFactors: scratch + rowFactors,
    columnFactors: scratch + columnFactors,
    rowMoments: isMatrix(tensor) ? rowMoments + 4 * part * rows : null,
    columnMoments: isMatrix(tensor) ? columnMoments + 4 * part * columns : secondMoments,
    firstMoments: firstMoments === undefined ? null : firstMoments + start,
    decays: tensor.group === 'decay',
  };
}

function updateMatrix(
  kernels: OptimizerKernels,
  matrix: Matrix,
  { learningRate, number }: UpdateScalars,
  settings: AdafactorSettings,
): void {
  const { parameters, rows, columns } = matrix;
  const length = rows * columns;
  const { beta1 = 0, epsilon, epsilonScale, clipThreshold, scaleParameter, weightDecay } = settings;
  kernels.squaresBySide(matrix, matrix.factors, epsilon);
  const gain = exp(settings.decayRate * log(number));
  renewRows(kernels, matrix, gain);
  renewColumns(kernels, matrix, gain);
  const meanSquare = kernels.factoredSquares(matrix, matrix.factors) / length;
  const excess = Math.max(1, Math.sqrt(meanSquare) / clipThreshold);
  const size = scaleParameter
    ? Math.max(epsilonScale, Math.sqrt(kernels.floatSquares(parameters, length) / length))
    : 1;
  const rate = learningRate * size;
  const shrink = matrix.decays ? 1 - rate * weightDecay : 1;
  kernels.factored(matrix, matrix.factors, { rate: rate / excess, shrink, beta1 });
}

/** Renews the running means of rows, and makes the factors of rows of them: 1 / √(mean / mean of all means). */
function renewRows(kernels: OptimizerKernels, matrix: Matrix, gain: number): void {
  const factors = kernels.floats(matrix.rowFactors, matrix.rows);
  if (matrix.rowMoments === null) {
    factors.fill(1);
    return;
  }
  const moments = kernels.floats(matrix.rowMoments, matrix.rows);
  let sum = 0;
  for (const [row, mean] of factors.entries()) {
    const renewed = Math.fround((1 - gain) * (moments[row] ?? 0) + gain * mean);
    moments[row] = renewed;
    sum += renewed;
  }
  const mean = sum / matrix.rows;
  for (const [row, moment] of moments.entries()) factors[row] = 1 / Math.sqrt(moment / mean);
}

/** Renews the running means of columns, and makes the factors of columns of them: 1 / √mean. */
function renewColumns(kernels: OptimizerKernels, matrix: Matrix, gain: number): void {
  const { rows, columns } = matrix;
  const sums = kernels.doubles(matrix.columnSums, columns);
  const moments = kernels.floats(matrix.columnMoments, columns);
  const factors = kernels.floats(matrix.columnFactors, columns);
  for (const [column, sum] of sums.entries()) {
    const renewed = Math.fround((1 - gain) * (moments[column] ?? 0) + gain * (sum / rows));
    moments[column] = renewed;
    factors[column] = 1 / Math.sqrt(renewed);
  }
}
