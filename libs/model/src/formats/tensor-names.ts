import type { TensorNames } from '../families/family.js';
import { placeOf } from '../families/module-names.js';

/** A tensor of a Hugging Face checkpoint, and the elements of one of our parameters that it holds. */
export interface Part {
  /** Name in a checkpoint of a class with a head, such as `BertForMaskedLM`. */
  readonly name: string;
  readonly shape: readonly number[];
  /** First element in our parameter. */
  readonly offset: number;
  readonly length: number;
  /** The checkpoint holds [in, out] where we hold [out, in]. */
  readonly transposed: boolean;
}

/**
 * The tensors of a Hugging Face checkpoint that one of our parameters consists of. Some families keep query, key and
 * value apart, where we stack their rows, or matrices as [in, out], where we keep [out, in]. Null for a parameter that the
 * family has no name for.
 */
export function partsOf(
  { modules, transposed: isTransposed, rows: byRow = {} }: TensorNames,
  { name, shape }: { readonly name: string; readonly shape: readonly number[] },
): readonly Part[] | null {
  const row = Object.hasOwn(byRow, name) ? byRow[name] : undefined;
  if (row !== undefined) {
    const [length = 0] = shape;
    return [{ name: row, shape: [1, length], offset: 0, length, transposed: false }];
  }
  const dot = name.lastIndexOf('.');
  const { block, module } = placeOf(name.slice(0, dot));
  const leaf = name.slice(dot + 1);
  const templates = Object.hasOwn(modules, module) ? modules[module] : undefined;
  if (templates === undefined) return null;
  const names = typeof templates === 'string' ? [templates] : templates;
  const transposed = isTransposed && block !== null && shape.length === 2;
  const [rows = 0, ...columns] = shape;
  const partShape = [rows / names.length, ...columns];
  const length = partShape.reduce((product, dimension) => product * dimension, 1);
  return names.map((template, index) => ({
    name: `${template.replace('#', block ?? '')}.${leaf}`,
    shape: transposed ? partShape.toReversed() : partShape,
    offset: index * length,
    length,
    transposed,
  }));
}

/** Names under which older or headless checkpoints keep the tensor that is now called `name`, newest first. */
export function namesInCheckpoints(
  { prefix, copies = {} }: TensorNames,
  name: string,
): readonly string[] {
  const all = [name, ...(copies[name] ?? [])];
  const headless = name.startsWith(prefix) ? [...all, name.slice(prefix.length)] : all;
  return headless.flatMap((candidate) => [
    candidate,
    candidate
      .replace('LayerNorm.weight', 'LayerNorm.gamma')
      .replace('LayerNorm.bias', 'LayerNorm.beta'),
  ]);
}
