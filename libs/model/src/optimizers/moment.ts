import { placed, type TensorLayout } from './layout.js';

/** An array of float32 beside the parameters, zero at first, which updates read and write. It is a part of the state. */
export interface Moment {
  readonly name: string;
  /** Elements that it has for a tensor; 0 for none. */
  elements(tensor: TensorLayout): number;
}

/** A moment with one element for each of every tensor, which lie as those of the parameters do. */
export function perElement(name: string): Moment {
  return { name, elements: ({ length }) => length };
}

/** Where the part of each tensor lies in a moment, in the order of the layout; its length in elements, gaps included. */
export function placedMoment(
  moment: Moment,
  tensors: readonly TensorLayout[],
): { readonly offsets: readonly number[]; readonly length: number } {
  return placed(tensors.map((tensor) => moment.elements(tensor)));
}
