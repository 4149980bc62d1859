import { attribute } from '../runtime/attributes.js';
import type { Ops } from '../runtime/ops.js';
import type { DataType, Tensor } from '../runtime/tensor.js';
import { asType } from './composed.js';
import { lengthsTensor, pair, typed } from './native.js';
import { windowsIn } from './window-rows.js';

export interface WindowsKernels {
  /**
   * max(0, bias + Σₖ productsₜ₊ₖ) for the window of each width that begins at token t: windows lie within their text, but for
   * one at the beginning of a text that is shorter, which goes on with zeros.
   * @param products T[B·T,PF]: of every token with F filters of every place of every width, P places in all.
   * @param bias [WF]
   * @returns float32 [B·T,WF], 0 where no window begins
   */
  windows(products: Tensor, bias: Tensor, options: WindowsOptions): Tensor;

  /** The gradient through `windows` of dy [B·T,WF], which has made y: dProducts of `type` [B·T,PF], and dBias [WF]. */
  windowsGradient(
    dy: Tensor,
    y: Tensor,
    options: WindowsOptions,
    type: DataType,
  ): { readonly dProducts: Tensor; readonly dBias: Tensor };
}

export interface WindowsOptions {
  /** B. */
  readonly sequences: number;
  /** Real length of each sequence [B]; null where all are full. */
  readonly lengths: Int32Array | null;
  /** Tokens of a window of each kind (W of them). */
  readonly widths: readonly number[];
}

/** native/windows.h */
export function nativeWindows({ runtime }: Ops): WindowsKernels {
  const inputsOf = ({ lengths, widths }: WindowsOptions) => [
    lengthsTensor(runtime, lengths),
    runtime.upload(Int32Array.from(widths), [widths.length]),
  ];
  const of = ({ sequences }: WindowsOptions) => attribute.integer('sequences', sequences);
  return {
    windows: (products, bias, options) =>
      runtime.scope(() =>
        runtime.execute(
          'RingmasterWindows',
          [products, bias, ...inputsOf(options)],
          [...typed(products), of(options)],
        ),
      ),

    windowsGradient: (dy, y, options, type) =>
      runtime.scope(() => {
        const inputs = [dy, y, ...inputsOf(options)];
        const attributes = [...typed({ dtype: type }), of(options)];
        const [dProducts, dBias] = pair(
          runtime.executeMany('RingmasterWindowsGradient', inputs, attributes, 2),
        );
        return { dProducts, dBias };
      }),
  };
}

/** Windows are sums of rows that are gathered, and so is the gradient of each row. */
export function composedWindows(ops: Ops): WindowsKernels {
  const { runtime } = ops;
  const upload = (rows: Int32Array): Tensor => runtime.upload(rows, [rows.length]);
  const rowsOf = (tokens: number, { sequences, lengths, widths }: WindowsOptions) =>
    windowsIn({ sequences, length: tokens / sequences, lengths }, widths);
  return {
    windows: (products, bias, options) =>
      runtime.scope(() => {
        const [tokens = 0] = products.shape;
        const { read, mask } = rowsOf(tokens, options);
        const wide = bias.shape[0] ?? 0;
        const filters = wide / options.widths.length;
        const rows = ops.reshape(ops.padRows(products, tokens + 1), [-1, filters]);
        const [first, ...others] = read.map((at) => ops.float32(ops.gatherRows(rows, upload(at))));
        if (first === undefined) throw new Error('A convolution has no widths');
        const sums = others.reduce((sum, next) => ops.chain(sum).add(next).value, first);
        const active = ops.relu(ops.addBias(ops.reshape(sums, [-1, wide]), bias));
        const kept = ops
          .chain(ops.reshape(active, [-1, filters]))
          .multiply(runtime.upload(mask, [mask.length, 1])).value;
        return ops.reshape(kept, [tokens, wide]);
      }),

    windowsGradient: (dy, y, options, type) =>
      runtime.scope(() => {
        const [tokens = 0, wide = 0] = y.shape;
        const filters = wide / options.widths.length;
        const { readBy } = rowsOf(tokens, options);
        const slopes = ops.reluGradient(y, dy);
        const rows = ops.reshape(slopes, [-1, filters]);
        const padded = ops.padRows(rows, (rows.shape[0] ?? 0) + 1);
        const shares = ops.gatherRows(asType(ops, type, padded), upload(readBy));
        return { dProducts: ops.reshape(shares, [tokens, -1]), dBias: ops.columnSums(slopes) };
      }),
  };
}
