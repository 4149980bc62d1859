import { addressOf } from '@ringmaster/base/memory';
import { RingmasterError } from '@ringmaster/protocol';

import { attribute } from './attributes.js';
import { loadBinding, type Attribute, type Binding } from './binding.js';
import { DATA_TYPES, dataTypeOf, Tensor, tensorsIn } from './tensor.js';

const OF_FLOAT = [attribute.type('T', 'float32')];
/** TensorFlow's alignment (`EIGEN_MAX_ALIGN_BYTES`). */
const ALIGNMENT = 64;
const RESOURCE_EXHAUSTED = 'Invalid TF_Status: 8';

/**
 * TensorFlow, one operation at a time, with explicit memory: every tensor is freed by `free`, by the end of the scope
 * that it was created in, or never. Calls are synchronous.
 */
export class Runtime {
  readonly #binding: Binding;
  readonly #scopes: Tensor[][] = [];
  readonly #constants = new Map<string, Tensor>();
  readonly #lends = new WeakMap<SharedArrayBuffer, boolean>();

  private constructor(binding: Binding) {
    this.#binding = binding;
  }

  /** Loads TensorFlow (about a second). Throws TENSORFLOW_NOT_PROVISIONED where it is not installed. */
  static open(): Runtime {
    return new Runtime(loadBinding());
  }

  /** Number of tensors that TensorFlow holds for this process. */
  get live(): number {
    return this.#binding.getNumOfTensors();
  }

  get device(): 'cpu' | 'gpu' {
    return this.#binding.isUsingGpuDevice() ? 'gpu' : 'cpu';
  }

  /** TensorFlow's version, such as `2.21.0`. */
  get version(): string {
    return this.#binding.TF_Version;
  }

  /** Runs an operation that has one output. Throws TENSORFLOW_OUT_OF_MEMORY, and Error for a wrong use. */
  execute(op: string, inputs: readonly Tensor[], attributes: readonly Attribute[]): Tensor {
    const [output] = this.executeMany(op, inputs, attributes, 1);
    if (output === undefined) throw new Error(`${op} has no output`);
    return output;
  }

  /** Runs an operation that has `outputs` outputs. */
  executeMany(
    op: string,
    inputs: readonly Tensor[],
    attributes: readonly Attribute[],
    outputs: number,
  ): Tensor[] {
    const ids = inputs.map((input) => {
      if (!input.alive) throw new Error(`${op} is given a tensor that was freed`);
      return input.id;
    });
    try {
      return this.#binding
        .executeOp(op, attributes, ids, outputs)
        .map(({ id, shape, dtype }) => this.#own(new Tensor(id, shape, dataTypeOf(dtype))));
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      if (reason.includes(RESOURCE_EXHAUSTED))
        throw new RingmasterError('TENSORFLOW_OUT_OF_MEMORY', { operation: op }, { cause });
      const shapes = inputs.map((input) => `${input.dtype}[${input.shape.join(',')}]`).join(', ');
      throw new Error(`${op}(${shapes}) failed: ${reason}`, { cause });
    }
  }

  /** Copies an array into a new tensor; the caller may change the array afterwards. */
  upload(values: Float32Array | Int32Array, shape: readonly number[]): Tensor {
    if (values instanceof Int32Array)
      return this.#own(this.#alias(new Int32Array(values), shape, 'int32'));
    // The binding shares the array's memory where it is aligned, so the copy is TensorFlow's to make.
    const alias = this.#alias(values, shape, 'float32');
    try {
      return this.execute('DeepCopy', [alias], OF_FLOAT);
    } finally {
      this.free(alias);
    }
  }

  /**
   * A tensor of an array's values that shares its memory where TensorFlow can use it in its place, and has a copy
   * elsewhere: the array must not change while anything is computed with the tensor.
   */
  share(values: Float32Array, shape: readonly number[]): Tensor {
    return this.#own(this.#alias(values, shape, 'float32'));
  }

  /** Copies a tensor's values to a new array. bfloat16 must be cast first. */
  download(tensor: Tensor): Float32Array | Int32Array {
    const values = this.#read(tensor);
    if (values instanceof Float32Array || values instanceof Int32Array) return values;
    throw new Error(`A tensor of ${tensor.dtype} cannot be downloaded`);
  }

  /** Copies a float32 tensor's values into `target`, which has room for exactly those. */
  downloadInto(tensor: Tensor, target: Float32Array): void {
    if (tensor.dtype !== 'float32' || tensor.size !== target.length)
      throw new Error(
        `A ${tensor.dtype} tensor of ${tensor.size} does not fit ${target.length} floats`,
      );
    if (this.#canLend(target)) this.#storeInto(target, tensor);
    else target.set(this.download(tensor));
  }

  /** A float32 scalar, created once. */
  scalar(value: number): Tensor {
    return this.constant(`f${value}`, () => this.upload(Float32Array.of(value), []));
  }

  /** An int32 scalar, created once. */
  integer(value: number): Tensor {
    return this.constant(`i${value}`, () => this.upload(Int32Array.of(value), []));
  }

  /** An int32 vector (a shape, axes, a permutation), created once. */
  integers(values: readonly number[]): Tensor {
    return this.constant(`v${values.join()}`, () =>
      this.upload(Int32Array.from(values), [values.length]),
    );
  }

  /** The tensor that `create` made when `key` was first asked for; it lives until the runtime is closed. */
  constant(key: string, create: () => Tensor): Tensor {
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const created = this.keep(create());
    this.#constants.set(key, created);
    return created;
  }

  /** Runs `body`, which is synchronous, and frees what it created, except the tensors in its result, which pass to the scope around it. */
  scope<Result>(body: () => Result): Result {
    const owned: Tensor[] = [];
    this.#scopes.push(owned);
    let kept: ReadonlySet<Tensor> = new Set();
    try {
      const result = body();
      kept = new Set(tensorsIn(result));
      return result;
    } finally {
      this.#scopes.pop();
      const outer = this.#scopes.at(-1);
      for (const tensor of owned) {
        if (kept.has(tensor)) outer?.push(tensor);
        else this.#delete(tensor);
      }
    }
  }

  /** Takes a tensor out of every scope: only `free` ends it. */
  keep(tensor: Tensor): Tensor {
    for (const owned of this.#scopes) {
      const index = owned.lastIndexOf(tensor);
      if (index >= 0) owned.splice(index, 1);
    }
    return tensor;
  }

  /** Frees every tensor in `value`, a structure of them; those that are freed already are passed over. */
  free(...value: readonly unknown[]): void {
    for (const tensor of tensorsIn(value)) this.#delete(tensor);
  }

  /** Frees the constants. Only what was kept and not freed is left then. */
  close(): void {
    this.free([...this.#constants.values()]);
    this.#constants.clear();
  }

  #alias(
    values: Float32Array | Int32Array,
    shape: readonly number[],
    dtype: 'float32' | 'int32',
  ): Tensor {
    const id = this.#binding.createTensor(shape, DATA_TYPES[dtype], values);
    return new Tensor(id, [...shape], dtype);
  }

  /** Without an array between, which the garbage collector would have to look after: megabytes a step. */
  #storeInto(target: Float32Array, tensor: Tensor): void {
    const alias = this.#alias(target, [target.length], 'float32');
    try {
      this.executeMany('RingmasterStoreInto', [alias, tensor], OF_FLOAT, 0);
    } finally {
      this.free(alias);
    }
  }

  /**
   * Whether TensorFlow takes this very memory for a tensor's: it makes a copy of what is not aligned, and of everything
   * where a device has memory of its own. Whether it does so at all is tried once in a memory, on the first target.
   */
  #canLend(target: Float32Array): boolean {
    const { buffer, byteOffset } = target;
    if (this.device !== 'cpu' || !(buffer instanceof SharedArrayBuffer)) return false;
    if ((addressOf({ buffer }) + byteOffset) % ALIGNMENT !== 0) return false;
    let lends = this.#lends.get(buffer);
    if (lends === undefined) {
      const first = target.subarray(0, 1);
      first[0] = 1;
      this.#storeInto(first, this.scalar(2));
      lends = first[0] === 2;
      this.#lends.set(buffer, lends);
    }
    return lends;
  }

  #read(tensor: Tensor): ArrayBufferView {
    if (!tensor.alive) throw new Error('A tensor that was freed is read');
    return this.#binding.tensorDataSync(tensor.id);
  }

  #own(tensor: Tensor): Tensor {
    this.#scopes.at(-1)?.push(tensor);
    return tensor;
  }

  #delete(tensor: Tensor): void {
    if (!tensor.alive) return;
    tensor.alive = false;
    this.#binding.deleteTensor(tensor.id);
  }
}
