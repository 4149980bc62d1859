import { attribute } from './attributes.js';
import type { Attribute } from './binding.js';
import type { Runtime } from './runtime.js';
import type { DataType, Tensor } from './tensor.js';

/** The type of the factors and results of matrix products; everything else is float32 either way. */
export type Precision = 'float32' | 'bfloat16';

export interface MatmulOptions {
  /** Use the first factor transposed. */
  readonly transposeX?: boolean;
  /** Use the second factor transposed. */
  readonly transposeY?: boolean;
}

/** Attribute lists by the type of an operation's elements, each built once. */
function byType(
  build: (type: DataType) => readonly Attribute[],
): (x: Tensor) => readonly Attribute[] {
  const lists = new Map<DataType, readonly Attribute[]>();
  return ({ dtype }) => {
    let list = lists.get(dtype);
    if (list === undefined) lists.set(dtype, (list = build(dtype)));
    return list;
  };
}

const typed = byType((type) => [attribute.type('T', type)]);
const reshape = byType((T) => [attribute.type('T', T), attribute.type('Tshape', 'int32')]);
const transpose = byType((T) => [attribute.type('T', T), attribute.type('Tperm', 'int32')]);
const slice = byType((T) => [attribute.type('T', T), attribute.type('Index', 'int32')]);
const gather = byType((type) => [
  attribute.type('Tparams', type),
  attribute.type('Tindices', 'int32'),
  attribute.type('Taxis', 'int32'),
]);
const FLOAT = [attribute.type('T', 'float32')];
const REDUCE = [...FLOAT, attribute.type('Tidx', 'int32'), attribute.flag('keep_dims', true)];
const PAD = [...FLOAT, attribute.type('Tpaddings', 'int32')];
const SEGMENTS = [
  ...FLOAT,
  attribute.type('Tindices', 'int32'),
  attribute.type('Tnumsegments', 'int32'),
];
const ONE_HOT = [...FLOAT, attribute.type('TI', 'int32'), attribute.integer('axis', 1)];
const ARG_MAX = [...FLOAT, attribute.type('Tidx', 'int32'), attribute.type('output_type', 'int32')];

/** Attribute lists of the products, built once: [transposeX][transposeY] of each operation and type. */
function productAttributes(
  x: string,
  y: string,
): (type: DataType, options: MatmulOptions) => readonly Attribute[] {
  const cache = new Map<string, readonly Attribute[]>();
  return (type, { transposeX = false, transposeY = false }) => {
    const key = `${type}${transposeX}${transposeY}`;
    let attributes = cache.get(key);
    if (attributes === undefined) {
      attributes = [
        attribute.type('T', type),
        attribute.flag(x, transposeX),
        attribute.flag(y, transposeY),
      ];
      cache.set(key, attributes);
    }
    return attributes;
  };
}

const matmulAttributes = productAttributes('transpose_a', 'transpose_b');
const batchMatmulAttributes = productAttributes('adj_x', 'adj_y');

/**
 * TensorFlow's operations as this library uses them: float32 unless said otherwise, NumPy broadcasting, results owned
 * by the runtime's current scope. `T` is the type of a product's factors. Nothing here computes on the host.
 */
export class Ops {
  readonly runtime: Runtime;
  readonly precision: Precision;

  constructor(runtime: Runtime, precision: Precision = 'float32') {
    this.runtime = runtime;
    this.precision = precision;
  }

  /** Starts a chain of elementwise operations on `x`, which stays alive; each intermediate is freed by the next. */
  chain(x: Tensor): Chain {
    return new Chain(this, x);
  }

  /** x T[m,k] · y T[k,n]: T[m,n], accumulated in float32. */
  matmul(x: Tensor, y: Tensor, options: MatmulOptions = {}): Tensor {
    return this.runtime.execute('MatMul', [x, y], matmulAttributes(x.dtype, options));
  }

  /** x T[…,m,k] · y T[…,k,n] for every leading index. */
  batchMatmul(x: Tensor, y: Tensor, options: MatmulOptions = {}): Tensor {
    return this.runtime.execute('BatchMatMulV2', [x, y], batchMatmulAttributes(x.dtype, options));
  }

  /** x as a factor of products, in the precision of this object: a tensor of its own, which may share x's memory. */
  factor(x: Tensor): Tensor {
    return x.dtype === this.precision ? this.reshape(x, x.shape) : this.cast(x, this.precision);
  }

  /** x as float32: x itself where it is that already. */
  float32(x: Tensor): Tensor {
    return x.dtype === 'float32' ? x : this.cast(x, 'float32');
  }

  /** x[…,C] + bias[C]. */
  addBias(x: Tensor, bias: Tensor): Tensor {
    return this.runtime.execute('BiasAdd', [x, bias], FLOAT);
  }

  /** Sum of x[…,C] over all but the last dimension: [C]. */
  columnSums(x: Tensor): Tensor {
    return this.runtime.execute('BiasAddGrad', [x], FLOAT);
  }

  /** Sum over the last dimension, which stays with length 1. */
  rowSums(x: Tensor): Tensor {
    return this.runtime.execute('Sum', [x, this.runtime.integers([x.shape.length - 1])], REDUCE);
  }

  /** Mean over the last dimension, which stays with length 1. */
  rowMeans(x: Tensor): Tensor {
    return this.runtime.execute('Mean', [x, this.runtime.integers([x.shape.length - 1])], REDUCE);
  }

  /** Softmax over the last dimension. */
  softmax(x: Tensor): Tensor {
    return this.runtime.execute('Softmax', [x], FLOAT);
  }

  /** Index of the largest element along dimension 1, the first of equal ones: int32 [N] of x[N,C], [N,D] of x[N,C,D]. */
  argMax(x: Tensor): Tensor {
    return this.runtime.execute('ArgMax', [x, this.runtime.integer(1)], ARG_MAX);
  }

  /** Largest element along dimension 1 of x[N,C,D]: [N,1,D]. */
  largest(x: Tensor): Tensor {
    return this.runtime.execute('Max', [x, this.runtime.integers([1])], REDUCE);
  }

  /** 1 at `indices` int32 [N,D] along a new dimension 1 of extent `count`, and 0 elsewhere: [N,count,D]. */
  oneHot(indices: Tensor, count: number): Tensor {
    const { runtime } = this;
    const inputs = [indices, runtime.integer(count), runtime.scalar(1), runtime.scalar(0)];
    return runtime.execute('OneHot', inputs, ONE_HOT);
  }

  tanh(x: Tensor): Tensor {
    return this.runtime.execute('Tanh', [x], FLOAT);
  }

  /** dy ∘ (1 − y²), the gradient through y = tanh(x). */
  tanhGradient(y: Tensor, dy: Tensor): Tensor {
    return this.runtime.execute('TanhGrad', [y, dy], FLOAT);
  }

  /** max(x, 0) for x T[…]: T[…]. */
  relu(x: Tensor): Tensor {
    return this.runtime.execute('Relu', [x], typed(x));
  }

  /** dy where y = relu(x) is positive, and 0 elsewhere; of the type of both. */
  reluGradient(y: Tensor, dy: Tensor): Tensor {
    return this.runtime.execute('ReluGrad', [dy, y], typed(y));
  }

  /** The values of x under another shape, without a copy; one extent may be −1. */
  reshape(x: Tensor, shape: readonly number[]): Tensor {
    return this.runtime.execute('Reshape', [x, this.runtime.integers(shape)], reshape(x));
  }

  transpose(x: Tensor, permutation: readonly number[]): Tensor {
    return this.runtime.execute('Transpose', [x, this.runtime.integers(permutation)], transpose(x));
  }

  /** x T[begin : begin + size] in each dimension; a size of −1 takes all that is left. */
  slice(x: Tensor, begin: readonly number[], size: readonly number[]): Tensor {
    const { runtime } = this;
    return runtime.execute('Slice', [x, runtime.integers(begin), runtime.integers(size)], slice(x));
  }

  /** The items x[i] of the first dimension; where TensorFlow can, they share the memory of x. */
  unstack(x: Tensor): Tensor[] {
    const count = x.shape[0] ?? 0;
    return this.runtime.executeMany(
      'Unpack',
      [x],
      [...FLOAT, attribute.integer('num', count), attribute.integer('axis', 0)],
      count,
    );
  }

  /** Tensors of one shape along a new first dimension. */
  stack(items: readonly Tensor[]): Tensor {
    return this.runtime.execute('Pack', items, [
      ...FLOAT,
      attribute.integer('N', items.length),
      attribute.integer('axis', 0),
    ]);
  }

  /** Tensors of one type, at least one, one after the other along a dimension. */
  concatenate(items: readonly Tensor[], dimension = 0): Tensor {
    const [first] = items;
    if (first === undefined) throw new Error('There is nothing to concatenate');
    return this.runtime.execute(
      'ConcatV2',
      [...items, this.runtime.integer(dimension)],
      [...typed(first), attribute.integer('N', items.length), attribute.type('Tidx', 'int32')],
    );
  }

  /** x[N,C] with rows of zeros around it, `before` of them before it, to `rows` rows. */
  padRows(x: Tensor, rows: number, before = 0): Tensor {
    const { runtime } = this;
    const after = rows - before - (x.shape[0] ?? 0);
    const paddings = runtime.constant(`pad${before},${after}`, () =>
      runtime.upload(Int32Array.of(before, after, 0, 0), [2, 2]),
    );
    return runtime.execute('Pad', [x, paddings], PAD);
  }

  /** x with zeros after it along a dimension, to an extent there. */
  padTo(x: Tensor, dimension: number, extent: number): Tensor {
    const { runtime } = this;
    const paddings = x.shape.flatMap((own, at) => [0, at === dimension ? extent - own : 0]);
    const table = runtime.constant(`pads${paddings.join()}`, () =>
      runtime.upload(Int32Array.from(paddings), [x.shape.length, 2]),
    );
    return runtime.execute('Pad', [x, table], PAD);
  }

  /** Rows x[indices[i]] of x T[N,C]: T[K,C]. */
  gatherRows(x: Tensor, indices: Tensor): Tensor {
    return this.runtime.execute('GatherV2', [x, indices, this.runtime.integer(0)], gather(x));
  }

  /** [rows,C] whose row r is the sum of the rows x[i] of x[K,C] with indices[i] = r: the transpose of gatherRows. */
  scatterRows(x: Tensor, indices: Tensor, rows: number): Tensor {
    return this.runtime.execute(
      'UnsortedSegmentSum',
      [x, indices, this.runtime.integer(rows)],
      SEGMENTS,
    );
  }

  /**
   * Subtracts `values` [K,C] from the rows `indices` [K] (each at most once) of x[N,C] IN PLACE: x and everything that
   * shares its memory changes. It saves a pass over the logits; use it on nothing that anyone else holds, and before
   * it is a factor of any product.
   */
  subtractFromRowsInPlace(x: Tensor, indices: Tensor, values: Tensor): void {
    this.runtime.free(this.runtime.execute('InplaceSub', [x, indices, values], FLOAT));
  }

  onesLike(x: Tensor): Tensor {
    return this.runtime.execute('OnesLike', [x], FLOAT);
  }

  cast(x: Tensor, type: DataType): Tensor {
    return this.runtime.execute(
      'Cast',
      [x],
      [attribute.type('SrcT', x.dtype), attribute.type('DstT', type)],
    );
  }
}

/** Elementwise operations one after the other; see `Ops.chain`. Numbers become scalars that are created once. */
export class Chain {
  readonly #ops: Ops;
  #current: Tensor;
  #owned = false;

  constructor(ops: Ops, start: Tensor) {
    this.#ops = ops;
    this.#current = start;
  }

  add(other: Tensor | number): this {
    return this.#binary('AddV2', other);
  }
  subtract(other: Tensor | number): this {
    return this.#binary('Sub', other);
  }
  multiply(other: Tensor | number): this {
    return this.#binary('Mul', other);
  }
  square(): this {
    return this.#next('Square', []);
  }
  exp(): this {
    return this.#next('Exp', []);
  }
  erf(): this {
    return this.#next('Erf', []);
  }
  sigmoid(): this {
    return this.#next('Sigmoid', []);
  }
  /** 1 / √x. */
  rsqrt(): this {
    return this.#next('Rsqrt', []);
  }
  /** x ∘ y ∘ (1 − y) for y = `sigmoid`: the gradient through a sigmoid. */
  sigmoidGradient(sigmoid: Tensor): this {
    return this.#replace(this.#ops.runtime.execute('SigmoidGrad', [sigmoid, this.#current], FLOAT));
  }

  /** The result; the chain is over. */
  get value(): Tensor {
    return this.#current;
  }

  #binary(op: string, other: Tensor | number): this {
    return this.#next(op, [typeof other === 'number' ? this.#ops.runtime.scalar(other) : other]);
  }

  #next(op: string, others: readonly Tensor[]): this {
    return this.#replace(this.#ops.runtime.execute(op, [this.#current, ...others], FLOAT));
  }

  #replace(result: Tensor): this {
    if (this.#owned) this.#ops.runtime.free(this.#current);
    this.#current = result;
    this.#owned = true;
    return this;
  }
}
