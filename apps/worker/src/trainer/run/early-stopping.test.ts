import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Counters } from '@ringmaster/model';
import { metricsOf } from '@ringmaster/protocol';
import { afterEvaluation, evaluationsBy } from './early-stopping.js';

const better = metricsOf('text-classification');

const fresh: Counters = {
  step: 0,
  updates: 0,
  nonFinite: 0,
  nonFiniteInARow: 0,
  evaluations: 0,
  best: null,
  evaluationsSinceBest: 0,
  stopped: false,
};

/** Evaluates a step after another until the training is stopped or there is no loss left. */
function evaluate(losses: readonly number[], patience: number, minimumDelta = 0): Counters {
  let counters = fresh;
  for (const [index, loss] of losses.entries()) {
    if (counters.stopped) break;
    const at = { ...counters, step: index + 1 };
    const rule = { metric: 'loss', patience, minimumDelta } as const;
    ({ counters } = afterEvaluation(at, { loss, accuracy: 1 - loss }, better, rule));
  }
  return counters;
}

describe('early stopping', () => {
  it('stops after as many evaluations as patience allows since the best one', () => {
    expect(evaluate([3, 2, 2.5, 2.4, 1], 2)).toMatchObject({
      stopped: true,
      evaluations: 4,
      evaluationsSinceBest: 2,
      best: { metric: 2, step: 2 },
    });
    expect(evaluate([3, 2, 2.5, 1, 1.5], 2)).toMatchObject({
      stopped: false,
      evaluations: 5,
      evaluationsSinceBest: 1,
      best: { metric: 1, step: 4 },
    });
  });

  it('takes no change up to the minimum for an improvement', () => {
    expect(evaluate([3, 2.5], 9, 0.5).best).toEqual({ metric: 3, step: 1 });
    expect(evaluate([3, 2.25], 9, 0.5).best).toEqual({ metric: 2.25, step: 2 });
  });

  it('takes a higher accuracy for better', () => {
    const rule = { metric: 'accuracy', patience: 1, minimumDelta: 0 } as const;
    const first = afterEvaluation(fresh, { loss: 1, accuracy: 0.5 }, better, rule);
    expect(afterEvaluation(first.counters, { loss: 0, accuracy: 0.4 }, better, rule)).toMatchObject(
      {
        improved: false,
        counters: { stopped: true, best: { metric: 0.5 } },
      },
    );
    expect(afterEvaluation(first.counters, { loss: 2, accuracy: 0.6 }, better, rule).improved).toBe(
      true,
    );
  });

  it('never ends a training that did not ask for it, nor for an evaluation that counted nothing', () => {
    const { counters } = afterEvaluation({ ...fresh, evaluationsSinceBest: 99 }, null, better);
    expect(counters).toEqual({ ...fresh, evaluations: 1, evaluationsSinceBest: 99 });
    const worse = { ...fresh, best: { metric: 1, step: 1 } };
    expect(afterEvaluation(worse, { loss: 2, accuracy: 0 }, better).counters.stopped).toBe(false);
  });

  it('has the best of all that it saw, and stops for no other reason than patience', () => {
    const losses = fc.array(fc.double({ min: 0, max: 10, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(losses, fc.integer({ min: 1, max: 5 }), (list, patience) => {
        const { evaluations, best, evaluationsSinceBest, stopped } = evaluate(list, patience);
        const seen = list.slice(0, evaluations);
        expect(best).toEqual({
          metric: Math.min(...seen),
          step: seen.indexOf(Math.min(...seen)) + 1,
        });
        expect(evaluationsSinceBest).toBe(evaluations - (best?.step ?? 0));
        expect(stopped).toBe(evaluationsSinceBest === patience);
        expect(stopped || evaluations === list.length).toBe(true);
      }),
    );
  });
});

describe('evaluations', () => {
  it('are one every so many steps and one at the end, whichever step the run goes on from', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 20 }),
        (steps, every) => {
          const at = Array.from({ length: steps }, (_, index) => index + 1).filter(
            (step) => evaluationsBy(step, steps, every) > evaluationsBy(step - 1, steps, every),
          );
          const due = (step: number) => step % every === 0 || step === steps;
          expect(at.every(due)).toBe(true);
          expect(at).toHaveLength(Math.ceil(steps / every));
          expect(evaluationsBy(steps, steps, every)).toBe(at.length);
          expect(evaluationsBy(0, steps, every)).toBe(0);
        },
      ),
    );
  });
});
