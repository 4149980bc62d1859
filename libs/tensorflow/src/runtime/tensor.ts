/** Element types that reach TensorFlow, with their codes in its C API (`tf_datatype.h`). */
export const DATA_TYPES = {
  float32: 1,
  int32: 3,
  int16: 5,
  int64: 9,
  bool: 10,
  bfloat16: 14,
} as const;

export type DataType = keyof typeof DATA_TYPES;

const NAMES = new Map<number, DataType>(
  Object.entries(DATA_TYPES).map(([name, code]) => [code, name as DataType]),
);

/** The name of a type code, or an Error for one that this engine does not use. */
export function dataTypeOf(code: number): DataType {
  const name = NAMES.get(code);
  if (name === undefined) throw new Error(`TensorFlow answered with data type ${code}`);
  return name;
}

/** A handle of an immutable tensor that TensorFlow holds, until `Runtime.free` or the end of its scope. */
export class Tensor {
  readonly id: number;
  readonly shape: readonly number[];
  readonly dtype: DataType;
  /** False once freed; its id must not be used any more. */
  alive = true;

  constructor(id: number, shape: readonly number[], dtype: DataType) {
    this.id = id;
    this.shape = shape;
    this.dtype = dtype;
  }

  get size(): number {
    return this.shape.reduce((product, extent) => product * extent, 1);
  }
}

/** Every tensor in a structure. */
export function* tensorsIn(value: unknown): Generator<Tensor> {
  if (value instanceof Tensor) yield value;
  else if (Array.isArray(value)) for (const item of value) yield* tensorsIn(item);
  else if (value !== null && typeof value === 'object' && !ArrayBuffer.isView(value))
    for (const item of Object.values(value)) yield* tensorsIn(item);
}
