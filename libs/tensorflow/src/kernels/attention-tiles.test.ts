import { describe, expect, it } from 'vitest';
import { Ops } from '../runtime/ops.js';
import { composedHeads, nativeHeads } from './attention-heads.js';
import { composedParts, nativeParts } from './attention-parts.js';
import { WHOLE_QUERIES } from './attention-tiles.js';
import { attentionInParts } from './attention.js';
import { cases, native, runtime, valuesOf } from './cases.test.fixture.js';
import { selfAttentionInParts } from './self-attention.js';

// Attention of products and parts between them, some queries at a time, against the same of all queries at once, which
// keeps its probabilities: the plain formula.

const ops = new Ops(runtime);
const KINDS = {
  native: { ...nativeHeads(ops), ...nativeParts(ops) },
  composed: { ...composedHeads(ops), ...composedParts(ops) },
};
/**
 * float32: rounding. bfloat16: sums over tokens of gradients that one side makes of probabilities that were rounded to 8
 * bits, and that the other rounds in each of up to six tiles.
 */
const TOLERANCE = { float32: 2e-5, bfloat16: 2 ** -5 } as const;

function inTiles(kind: keyof typeof KINDS, tileQueries: number): typeof native {
  const parts = { ...KINDS[kind], tileQueries };
  return { ...native, ...selfAttentionInParts(ops, parts), ...attentionInParts(ops, parts) };
}

/** Composed dropout draws each tile with a key of its own. */
const casesOf = (kind: keyof typeof KINDS) =>
  Object.entries(cases).filter(
    ([name]) =>
      name.includes('attention') &&
      (kind === 'native' || !/dropout|all else|tiles|shorter/.test(name)),
  );

describe.each(['native', 'composed'] as const)('%s parts', (kind) => {
  describe.each(['float32', 'bfloat16'] as const)('in %s', (precision) => {
    it.each(casesOf(kind))('%s is the same in tiles', (_, use) => {
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
