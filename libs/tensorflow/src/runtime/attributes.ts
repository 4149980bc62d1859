import type { Attribute } from './binding.js';
import { DATA_TYPES, type DataType } from './tensor.js';

/** Attributes of operations by type, in the encoding of TensorFlow's C API (`TF_AttrType`). */
export const attribute = {
  text: (name: string, value: string): Attribute => ({ name, type: 0, value }),
  integer: (name: string, value: number): Attribute => ({ name, type: 1, value }),
  float: (name: string, value: number): Attribute => ({ name, type: 2, value }),
  flag: (name: string, value: boolean): Attribute => ({ name, type: 3, value }),
  type: (name: string, value: DataType): Attribute => ({
    name,
    type: 4,
    value: DATA_TYPES[value],
  }),
};
