import { attribute } from '../runtime/attributes.js';
import type { Ops } from '../runtime/ops.js';
import type { Tensor } from '../runtime/tensor.js';
import { lengthsTensor, pair, triple, typed } from './native.js';

export interface LstmKernels {
  /**
   * Long short-term memory (Hochreiter and Schmidhuber, 1997) over B sequences in one direction. With
   * (i, f, g, o) = (σ, σ, tanh, σ)(projected + weights · h), a cell c becomes f ∘ c + i ∘ g and a state h is o ∘ tanh c; both
   * begin with zeros at the first real token of the direction.
   * @param projected [B·T,4H]: what is read, as shares of the gates, which stand side by side in that order.
   * @param weights [4H,H]
   * @returns states [B·T,H], zeros where there is padding
   */
  lstm(projected: Tensor, weights: Tensor, options: LstmOptions): LstmResult;

  /**
   * The gradient through `lstm` of dStates [B·T,H]: dProjected [B·T,4H], and the states before each token [B·T,H], with
   * which dProjectedᵀ · previous is the gradient of the weights.
   */
  lstmGradient(
    dStates: Tensor,
    weights: Tensor,
    result: LstmResult,
    options: LstmOptions,
  ): { readonly dProjected: Tensor; readonly previous: Tensor };
}

export interface LstmOptions {
  /** B. */
  readonly sequences: number;
  /** Real length of each sequence [B]; null where all are full. */
  readonly lengths: Int32Array | null;
  readonly direction: 'forward' | 'backward';
}

export interface LstmResult {
  readonly states: Tensor;
  /** What the gradient needs besides, in shapes that suit the kernels. */
  readonly saved: readonly Tensor[];
}

/** native/lstm.h */
export function nativeLstm({ runtime }: Ops): LstmKernels {
  const attributesOf = (x: Tensor, { sequences, direction }: LstmOptions) => [
    ...typed(x),
    attribute.integer('sequences', sequences),
    attribute.integer('backward', direction === 'backward' ? 1 : 0),
  ];
  return {
    lstm(projected, weights, options) {
      const inputs = [projected, weights, lengthsTensor(runtime, options.lengths)];
      const [states, ...saved] = triple(
        runtime.executeMany('RingmasterLstm', inputs, attributesOf(projected, options), 3),
      );
      return { states, saved };
    },

    lstmGradient(dStates, weights, { states, saved }, options) {
      const lengths = lengthsTensor(runtime, options.lengths);
      const inputs = [dStates, weights, states, ...saved, lengths];
      const [dProjected, previous] = pair(
        runtime.executeMany('RingmasterLstmGradient', inputs, attributesOf(dStates, options), 2),
      );
      return { dProjected, previous };
    },
  };
}

/** Products and what is between them, one step after the other. */
export function composedLstm(ops: Ops): LstmKernels {
  const { runtime } = ops;
  const times = (x: Tensor, ...factors: readonly (Tensor | null)[]): Tensor =>
    factors.reduce<Tensor>(
      (product, factor) => (factor === null ? product : ops.chain(product).multiply(factor).value),
      x,
    );
  const plus = (x: Tensor, y: Tensor | null): Tensor =>
    y === null ? x : ops.chain(x).add(y).value;
  /** 1 − y. */
  const rest = (y: Tensor): Tensor => ops.chain(y).multiply(-1).add(1).value;
  /** x [B·T,W] as T tensors [B,W]. */
  const steps = (x: Tensor, sequences: number): Tensor[] => {
    const width = x.shape.at(-1) ?? 0;
    const bySequence = ops.reshape(x, [sequences, -1, width]);
    return ops.unstack(ops.transpose(bySequence, [1, 0, 2]));
  };
  /** T tensors [B,W] as one [B·T,W]. */
  const rows = (all: readonly Tensor[]): Tensor => {
    const width = all[0]?.shape.at(-1) ?? 0;
    return ops.reshape(ops.transpose(ops.stack(all), [1, 0, 2]), [-1, width]);
  };
  /** 1 for each sequence that has a token at a time, else 0: T tensors [B,1]; null where all are full. */
  const masks = (length: number, { lengths }: LstmOptions): readonly (Tensor | null)[] =>
    Array.from({ length }, (_, time) =>
      lengths === null
        ? null
        : runtime.upload(
            Float32Array.from(lengths, (real) => (time < real ? 1 : 0)),
            [lengths.length, 1],
          ),
    );
  /** Times in the order in which they are read. */
  const orderOf = (length: number, { direction }: LstmOptions): number[] => {
    const order = Array.from({ length }, (_, time) => time);
    return direction === 'forward' ? order : order.reverse();
  };
  const at = <Item>(items: readonly Item[], index: number): Item => {
    const item = items[index];
    if (item === undefined) throw new Error(`There is no step ${index}`);
    return item;
  };

  return {
    lstm: (projected, weights, options) =>
      runtime.scope(() => {
        const inputs = steps(projected, options.sequences);
        const real = masks(inputs.length, options);
        const width = weights.shape.at(-1) ?? 0;
        const states = [...inputs];
        const saved = Array.from({ length: 5 }, () => [...inputs]);
        let state: Tensor | null = null;
        let cell: Tensor | null = null;
        for (const time of orderOf(inputs.length, options)) {
          const share = state === null ? null : ops.matmul(state, weights, { transposeY: true });
          const sums = plus(at(inputs, time), share);
          const gate = (which: number) => ops.slice(sums, [0, which * width], [-1, width]);
          const open = (which: number) => ops.chain(gate(which)).sigmoid().value;
          const [i, f, g, o] = [open(0), open(1), ops.tanh(gate(2)), open(3)];
          const kept = cell === null ? null : times(cell, f);
          const next: Tensor = times(plus(times(i, g), kept), at(real, time));
          cell = next;
          state = times(ops.tanh(next), o, at(real, time));
          states[time] = state;
          [i, f, g, o, next].forEach((value, which) => {
            at(saved, which)[time] = value;
          });
        }
        return { states: rows(states), saved: saved.map((values) => ops.stack(values)) };
      }),

    lstmGradient: (dStates, weights, { states, saved }, options) =>
      runtime.scope(() => {
        const slopes = steps(dStates, options.sequences);
        const kept = saved.map((values) => ops.unstack(values));
        const before = steps(states, options.sequences);
        const real = masks(slopes.length, options);
        const none = times(at(slopes, 0), runtime.scalar(0));
        const order = orderOf(slopes.length, options);
        const dSums = [...slopes];
        const previous = [...slopes];
        let dState: Tensor | null = null;
        let dCell: Tensor | null = null;
        for (const [step, time] of [...order.entries()].reverse()) {
          const [i, f, g, o, cell] = [0, 1, 2, 3, 4].map((which) => at(at(kept, which), time));
          if (!i || !f || !g || !o || !cell) throw new Error('The gates are not there');
          const last = step === 0 ? null : at(order, step - 1);
          const c = ops.tanh(cell);
          const dh = times(plus(at(slopes, time), dState), at(real, time));
          const through = times(dh, o, rest(ops.chain(c).square().value));
          const dc: Tensor = times(plus(through, dCell), at(real, time));
          const shares = [
            times(dc, g, i, rest(i)),
            last === null ? none : times(dc, at(at(kept, 4), last), f, rest(f)),
            times(dc, i, rest(ops.chain(g).square().value)),
            times(dh, c, o, rest(o)),
          ];
          const dSum = ops.reshape(ops.transpose(ops.stack(shares), [1, 0, 2]), [
            options.sequences,
            -1,
          ]);
          dSums[time] = dSum;
          previous[time] = last === null ? none : times(at(before, last), at(real, time));
          dCell = times(dc, f);
          dState = ops.matmul(dSum, weights);
        }
        return { dProjected: rows(dSums), previous: rows(previous) };
      }),
  };
}
