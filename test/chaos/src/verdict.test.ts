import type { IncidentView, JobView, StepPoint } from '@ringmaster/protocol';
import { describe, expect, it } from 'vitest';
import type { Happened } from './happened.js';
import { judge, type Evidence } from './verdict.js';

const STEPS = 3;
const expected = 'a'.repeat(64);
const ledgerAt = (step: number) => ({ samples: 8, digest: step });

const point = (step: number): StepPoint => ({
  step,
  loss: 1,
  learningRate: 1,
  gradientNorm: 1,
  tokensPerSecond: 1,
  ledger: ledgerAt(step),
});

const incident = (second: number, worker: string): IncidentView => ({
  id: 1,
  at: new Date(second * 1000).toISOString(),
  job: 'j',
  worker,
  step: 1,
  generation: 1,
  what: 'a trainer ended',
  recovery: null,
});

const happened = (second: number, change: Partial<Happened> = {}): Happened => ({
  entry: { event: { kind: 'kill-trainer', victim: 0 }, gap: 3, whole: true },
  at: second * 1000,
  disturbs: true,
  step: 1,
  stallSeconds: 1,
  what: 'trainer of worker-1',
  culprits: ['w-1'],
  ...change,
});

function evidence(change: Partial<Evidence> = {}): Evidence {
  const result = { stateHash: expected, model: 'b', metrics: {} };
  const view = { state: 'succeeded', steps: STEPS, result, error: null } as unknown as JobView;
  return { view, steps: [1, 2, 3].map(point), incidents: [], ledgerAt, ...change };
}

describe('the verdict on a run', () => {
  it('has nothing against one that is as it should be', () => {
    const incidents = [incident(10, 'w-1')];
    expect(judge(evidence({ incidents }), [happened(9)], expected)).toEqual([]);
  });

  it('finds another state', () => {
    expect(judge(evidence(), [], 'c'.repeat(64))).toHaveLength(1);
  });

  it('finds a step that was not told, and one that consumed other samples', () => {
    expect(judge(evidence({ steps: [1, 3].map(point) }), [], expected)).toEqual([
      'steps were never told: 2',
    ]);
    const ledger = { samples: 7, digest: 2 };
    const steps = [point(1), { ...point(2), ledger }, point(3)];
    expect(judge(evidence({ steps }), [], expected)).toHaveLength(1);
  });

  it.each([
    ['before any event', [happened(11)], 'w-1'],
    ['of another worker', [happened(9)], 'w-2'],
    ['of what disturbs nobody', [happened(8), happened(9, { disturbs: false })], 'w-1'],
  ])('finds an incident %s', (_, events, worker) => {
    const incidents = [incident(10, worker)];
    expect(judge(evidence({ incidents }), events, expected)).toHaveLength(1);
  });
});
