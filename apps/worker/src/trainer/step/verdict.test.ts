import { fits } from '@ringmaster/allreduce';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MicrobatchReport } from './lanes.js';
import { exponentsFor, judge } from './verdict.js';

const tensors = 3;

function report(changes: Partial<MicrobatchReport>): MicrobatchReport {
  return {
    lossSum: 2,
    weight: 1.5,
    counted: 4,
    tokens: 5,
    samples: 1,
    digest: 0,
    maxima: new Float32Array(tensors).fill(0.5),
    ...changes,
  };
}

const none = Array.from({ length: tensors }, () => [0]);
const exponents = exponentsFor(
  Array.from({ length: tensors }, () => [0.5]),
  null,
  4,
);

describe('the verdict on an attempt', () => {
  it('applies what fits, with losses and counts summed and magnitudes folded', () => {
    const other = report({
      lossSum: 3,
      weight: 0,
      counted: 0,
      maxima: Float32Array.of(0.25, 0.75, 0),
    });
    expect(judge([report({}), other], exponents, none)).toEqual({
      kind: 'apply',
      lossSum: 5,
      weight: 1.5,
      counted: 4,
      maxima: Float32Array.of(0.5, 0.75, 0.5),
    });
  });

  it('makes no update where nothing was counted', () => {
    const nothing = report({ lossSum: 0, counted: 0, maxima: new Float32Array(tensors) });
    expect(judge([nothing, nothing], exponents, none)).toEqual({ kind: 'empty' });
  });

  it('names the first microbatch and tensor of a value that is not finite', () => {
    const value = fc.constantFrom(NaN, Infinity);
    const place = fc.nat(3);
    fc.assert(
      fc.property(value, place, fc.nat(tensors), fc.boolean(), (bad, at, tensor, calibrates) => {
        const maxima = new Float32Array(tensors).fill(0.5);
        if (tensor < tensors) maxima[tensor] = bad;
        const lossSum = tensor === tensors ? -bad : 2;
        const reports = Array.from({ length: 4 }, (_, microbatch) =>
          microbatch < at ? report({}) : report({ maxima, lossSum }),
        );
        expect(judge(reports, calibrates ? null : exponents, none)).toEqual({
          kind: 'skip',
          microbatch: at,
          tensor: tensor === tensors ? 'loss' : tensor,
        });
      }),
    );
  });

  it('repeats a step that does not fit its windows, or has none, with exponents that fit', () => {
    const magnitude = fc.double({ min: 2 ** -60, max: 2 ** 60, noNaN: true }).map(Math.fround);
    const magnitudes = fc.array(magnitude, { minLength: tensors, maxLength: tensors });
    fc.assert(
      fc.property(magnitudes, fc.boolean(), (list, calibrates) => {
        const reports = [report({}), report({ maxima: Float32Array.from(list) })];
        const verdict = judge(reports, calibrates ? null : exponents, none);
        if (verdict.kind === 'apply') {
          expect(list.every((value, at) => fits(value, exponents[at]!, 2))).toBe(true);
          return;
        }
        if (verdict.kind !== 'retry') throw new Error(verdict.kind);
        expect(judge(reports, verdict.exponents, none).kind).toBe('apply');
      }),
    );
  });
});
