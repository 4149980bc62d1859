import { describe, expect, it } from 'vitest';
import { assertTrained } from './model-artifact.js';

describe('the end of a run', () => {
  it('is refused where no step learned anything, and no other', () => {
    expect(() => {
      assertTrained({ step: 6, updates: 0 });
    }).toThrow(expect.objectContaining({ code: 'TRAINING_EMPTY', detail: { steps: 6 } }));
    for (const counters of [
      { step: 6, updates: 1 },
      { step: 0, updates: 0 },
    ])
      assertTrained(counters);
  });
});
