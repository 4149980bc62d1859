import { describe, expect, it } from 'vitest';
import { corruptedLength, mostSpans, spanCounts } from './spans.js';

describe('the lengths of span corruption', () => {
  // `random_spans_helper` with noise_density 0.15, mean_noise_span_length 3 and one extra token a span; seqio's
  // `preprocessors.py`, whose T5 has sources of 512 tokens from 568, and targets of 114.
  it.each([
    [64, 70, 10, 3],
    [128, 141, 21, 7],
    [256, 284, 43, 14],
    [512, 568, 85, 28],
    [1024, 1137, 171, 57],
  ])('for a source of %i tokens are those of T5', (context, tokens, noise, spans) => {
    expect(corruptedLength(context)).toBe(tokens);
    expect(spanCounts(tokens)).toEqual({ noise, spans });
    expect(mostSpans(context)).toBe(spans);
  });

  it('are such that the source of a text fits, and that of a longer one does not', () => {
    for (let context = 8; context < 600; context++) {
      const tokens = corruptedLength(context);
      const sourceOf = (length: number) => {
        const { noise, spans } = spanCounts(length);
        expect(spans).toBeLessThanOrEqual(Math.min(noise, length - noise));
        return length - noise + spans + 1;
      };
      expect(sourceOf(tokens)).toBeLessThanOrEqual(context);
      expect(sourceOf(tokens + 1)).toBeGreaterThan(context);
    }
  });
});
