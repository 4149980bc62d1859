import assert from 'node:assert/strict';

/** A trained tensor, as the model declares it. */
export interface ParameterShape {
  readonly name: string;
  readonly shape: readonly number[];
  /** Whether weight decay applies: matrices decay; norms and biases do not. */
  readonly group: 'decay' | 'no-decay';
  /**
   * Of the weights of a linear layer of the network: matrices of equal height that are stacked in it. Tables of
   * embeddings, heads, norms and biases have none.
   */
  readonly matrices?: number | undefined;
}

/** A trained tensor and its place in the flat address space. */
export interface TensorLayout extends ParameterShape {
  /** Place of the tensor among all of them. */
  readonly index: number;
  /** First element; a multiple of 16. */
  readonly offset: number;
  /** Number of elements. */
  readonly length: number;
}

const ALIGNMENT = 16;

/** Elements that one block of the update has; every tensor is cut into blocks from its own beginning. */
export const BLOCK_LENGTH = 4096;

/**
 * Where each tensor lies in one flat address space of elements. Parameters, both moments and the int32 gradient arena
 * all use it. Gaps between tensors are zero and belong to none.
 */
export class Layout {
  readonly tensors: readonly TensorLayout[];
  /** Elements of the whole address space, gaps included; a multiple of 16. */
  readonly length: number;
  /** Elements of all tensors, gaps excluded. */
  readonly parameterCount: number;
  readonly #byName: ReadonlyMap<string, TensorLayout>;

  private constructor(tensors: readonly TensorLayout[], length: number) {
    this.tensors = tensors;
    this.length = length;
    this.parameterCount = tensors.reduce((sum, tensor) => sum + tensor.length, 0);
    this.#byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
    assert(this.#byName.size === tensors.length, 'a parameter name occurs twice');
  }

  /** Places tensors one after the other, in the order given. */
  static of(parameters: readonly ParameterShape[]): Layout {
    const lengths = parameters.map(({ name, shape }) => {
      const length = shape.reduce((product, dimension) => product * dimension, 1);
      assert(
        Number.isSafeInteger(length) && length > 0,
        `${name} has no elements: [${shape.join(', ')}]`,
      );
      return length;
    });
    const { offsets, length: end } = placed(lengths);
    const tensors = parameters.map(({ name, shape, group, matrices }, index) => ({
      name,
      shape: [...shape],
      group,
      matrices,
      index,
      offset: offsets[index] ?? 0,
      length: lengths[index] ?? 0,
    }));
    return new Layout(tensors, end);
  }

  /** The tensor of a name that the model has. */
  tensor(name: string): TensorLayout {
    const tensor = this.#byName.get(name);
    assert(tensor, `no parameter is named ${name}`);
    return tensor;
  }
}

/** Offsets of ranges of these lengths one after the other, each a multiple of 16, and that at which they end. */
export function placed(lengths: readonly number[]): {
  readonly offsets: readonly number[];
  readonly length: number;
} {
  let end = 0;
  const offsets = lengths.map((length) => {
    const offset = end;
    end = Math.ceil((offset + length) / ALIGNMENT) * ALIGNMENT;
    return offset;
  });
  return { offsets, length: end };
}
