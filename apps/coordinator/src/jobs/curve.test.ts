import { describe, expect, it } from 'vitest';

import { difference } from './apply.js';
import { KnownPoints } from './curve.js';

const pointAt = (step: number, loss = 1, tokensPerSecond = 5) => ({
  step,
  loss,
  tokensPerSecond,
  learningRate: 1e-3,
  gradientNorm: 2,
  ledger: { samples: 8, digest: step },
});

describe('the points of a curve', () => {
  it('is known once one has told it, whatever the seconds of another', () => {
    const known = new KnownPoints();
    const points = [pointAt(1), pointAt(2)];
    expect(known.unknown(points)).toEqual(points);
    known.add(points);
    expect(known.unknown([pointAt(1, 1, 7), pointAt(2), pointAt(3)])).toEqual([pointAt(3)]);
    expect(known.unknown([pointAt(2, 0.5)])).toEqual([pointAt(2, 0.5)]);
  });

  it('is forgotten step by step', () => {
    const known = new KnownPoints();
    for (let step = 1; step <= 1000; step++) known.add([pointAt(step)]);
    expect(known.unknown([pointAt(1000), pointAt(800)])).toEqual([]);
    expect(known.unknown([pointAt(1)])).toHaveLength(1);
  });
});

describe('difference', () => {
  const before = { step: 1, loss: 2, state: 'running', workers: ['w-1'], observed: 1 };

  it('sees through what is made anew', () => {
    expect(difference(before, { ...before, workers: ['w-1'] })).toBe('none');
    expect(difference(before, { ...before, observed: 2 }, 'observed')).toBe('none');
  });

  it('parts what moves with every report from all else', () => {
    expect(difference(before, { ...before, step: 2, loss: 1 })).toBe('movement');
    expect(difference(before, { ...before, step: 2, workers: [] })).toBe('change');
  });
});
