import { describe, expect, it, vi } from 'vitest';
import { Ops } from '../runtime/ops.js';
import type { Tensor } from '../runtime/tensor.js';
import { composedHeads, nativeHeads } from './attention-heads.js';
import { composedParts, nativeParts } from './attention-parts.js';
import type { TileKernels, TileOptions } from './attention-tile.js';
import { WHOLE_QUERIES } from './attention-tiles.js';
import { attentionInParts } from './attention.js';
import { cases, native, runtime, valuesOf } from './cases.test.fixture.js';
import { composedDropout, nativeDropout } from './dropout.js';
import { selfAttentionInParts } from './self-attention.js';

// Attention of products and parts between them, some queries at a time, against the same of all queries at once, which
// keeps its probabilities: the plain formula.

const ops = new Ops(runtime);
const KINDS = {
  native: { ...nativeHeads(ops), ...nativeParts(ops) },
  composed: { ...composedHeads(ops), ...composedParts(ops), ...composedTiles() },
};
/**
 * float32: rounding. bfloat16: sums over tokens of gradients that one side makes of probabilities that were rounded to 8
 * bits, and that the other rounds in each of up to 80 tiles.
 */
const TOLERANCE = { float32: 2e-5, bfloat16: 2 ** -5 } as const;

function inTiles(kind: keyof typeof KINDS, tileQueries: number): typeof native {
  const parts = { ...KINDS[kind], tileQueries };
  return { ...native, ...selfAttentionInParts(ops, parts), ...attentionInParts(ops, parts) };
}

/** Composed dropout draws each tile with a key of its own: here, what the whole has there. */
function composedTiles(): TileKernels {
  const drawn = nativeDropout(ops);
  const partsOf = ({ shape }: Tensor, { tile, queries, keys }: TileOptions) =>
    composedParts(ops, {
      ...composedDropout(ops),
      dropoutMask: (_, { dropped, key: { low, high } }) => {
        const [sequences = 0, heads = 0] = shape;
        const whole = { dropped, key: { low, high: high ^ tile.first } };
        const mask = drawn.dropoutMask([sequences, heads, queries, keys], whole);
        return ops.slice(mask, [0, 0, tile.first, 0], [-1, -1, tile.count, tile.seen]);
      },
    });
  return {
    tileProbabilities: (scores, options) =>
      partsOf(scores, options).tileProbabilities(scores, options),
    tileGradient: (d, scores, moments, options) =>
      partsOf(scores, options).tileGradient(d, scores, moments, options),
    softmaxGradient: (d, probabilities, scale) =>
      composedParts(ops).softmaxGradient(d, probabilities, scale),
  };
}

const attentions = Object.entries(cases).filter(([name]) => name.includes('attention'));

describe.each(['native', 'composed'] as const)('%s parts', (kind) => {
  describe.each(['float32', 'bfloat16'] as const)('in %s', (precision) => {
    it.each(attentions)('%s is the same in tiles', (_, use) => {
      const whole = valuesOf(inTiles(kind, Infinity), use, precision);
      for (const tileQueries of [7, 16])
        valuesOf(inTiles(kind, tileQueries), use, precision).forEach(({ dtype, values }, at) => {
          const expected = whole[at]!;
          expect(dtype).toBe(expected.dtype);
          const scale = Math.max(1, ...expected.values.map(Math.abs));
          values.forEach((value, index) => {
            const error = Math.abs(value - expected.values[index]!);
            expect(error).toBeLessThan(TOLERANCE[precision] * scale);
          });
        });
    });
  });
});

describe.each(['float32', 'bfloat16'] as const)('in %s', (precision) => {
  it('nothing is kept for the gradient that grows with the square of the length', () => {
    runtime.scope(() => {
      const typed = new Ops(runtime, precision);
      const length = 2 * WHOLE_QUERIES;
      const zeros = (width: number) =>
        typed.factor(runtime.upload(new Float32Array(length * width), [length, width]));
      const dropout = { dropped: 6_554, key: { low: 1, high: 2 } };
      const options = { sequences: 1, heads: 1, causal: true, lengths: null, dropout };
      const general = { ...options, keyValueHeads: 1, scale: 1, bias: null };
      const saved = [
        ...native.selfAttention(zeros(6), null, options).saved,
        ...native.attention(zeros(2), zeros(2), zeros(2), general).saved,
      ];
      expect(Math.max(...saved.map(({ size }) => size))).toBeLessThanOrEqual(length * 6);
    });
  });
});

it.each([4, 2])('scores of 4 heads with %i of keys are there until they are used', (groups) => {
  runtime.scope(() => {
    const watched = new Ops(runtime);
    const [tileQueries, tiles, depth] = [5, 3, 2];
    const length = tiles * tileQueries;
    const zeros = (heads: number) =>
      runtime.upload(new Float32Array(length * heads * depth), [length, heads * depth]);
    const scores: Tensor[] = [];
    const before: number[] = [];
    const multiply = watched.batchMatmul.bind(watched);
    vi.spyOn(watched, 'batchMatmul').mockImplementation((...given) => {
      before.push(scores.filter(({ alive }) => alive).length);
      const product = multiply(...given);
      if (product.shape.at(-1) !== depth) scores.push(product);
      return product;
    });
    const kernels = attentionInParts(watched, { ...nativeParts(watched), tileQueries });
    const shape = { sequences: 1, heads: 4, keyValueHeads: groups, causal: false, lengths: null };
    const options = { ...shape, scale: 1, bias: null, dropout: null };
    const { saved } = kernels.attention(zeros(4), zeros(groups), zeros(groups), options);
    kernels.attentionGradient(zeros(4), saved, options, false);
    // Forward: scores, what is read. Backward: gradients of probabilities, scores, then those of values, queries and keys.
    const forward = Array.from({ length: tiles }, () => [0, 0]);
    const backward = Array.from({ length: tiles }, () => [0, 1, 0, 0, 0]);
    expect(before).toEqual([...forward, ...backward].flat());
  });
});

it('more tiles upload no more numbers from the host', () => {
  const use = cases['causal attention with a bias']!;
  const composedIn = (tileQueries: number) => {
    const upload = vi.spyOn(runtime, 'upload');
    try {
      valuesOf(inTiles('composed', tileQueries), use, 'float32');
      return upload.mock.calls.filter(([values]) => values instanceof Float32Array);
    } finally {
      upload.mockRestore();
    }
  };
  composedIn(7);
  const values = (calls: ReturnType<typeof composedIn>) =>
    calls.reduce((sum, [{ length }]) => sum + length, 0);
  expect(values(composedIn(7))).toBe(values(composedIn(Infinity)));
});
