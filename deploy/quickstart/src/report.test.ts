import type { JobView } from '@ringmaster/protocol';
import { describe, expect, it } from 'vitest';
import { curves, evidence, whereThingsAre } from './report.js';

const job = (
  name: string,
  metrics: Record<string, number>,
): JobView & { result: NonNullable<JobView['result']> } => ({
  id: 'j-1',
  name,
  kind: 'finetune',
  state: 'succeeded',
  priority: 0,
  after: [],
  step: 9,
  steps: 9,
  parameters: null,
  memory: null,
  generation: 1,
  workers: [],
  ranks: [],
  loss: 0.1,
  throughput: { tokensPerSecond: 12_345.6 },
  base: null,
  stoppedEarly: null,
  evaluation: null,
  etaSeconds: null,
  progress: null,
  preparation: null,
  preparers: [],
  createdAt: '',
  startedAt: null,
  endedAt: null,
  error: null,
  result: { stateHash: 'ab'.repeat(32), model: 'cd'.repeat(32), metrics },
});

describe('the report', () => {
  it('draws a falling curve from high to low', () => {
    const points = Array.from({ length: 200 }, (_, step) => ({
      step,
      loss: 9 - step / 40,
      learningRate: 1,
      gradientNorm: 1,
      tokensPerSecond: 1,
      ledger: null,
    }));
    const [first, last] = curves(points, points)
      .split('\n')
      .filter((line) => line.includes('┤') || line.includes('┼'));
    expect(first).toContain('8.9');
    expect(Number.parseFloat(last ?? '')).toBeLessThan(9);
  });

  it('puts the pretrained model beside random weights, and the loss beside the entropy', () => {
    const pretraining = job('mail-bert', { loss: 5.25, unigramEntropy: 6.5 });
    const fineTuning = job('mail-spam', {
      accuracy: 0.99,
      precision: 0.98,
      recall: 0.97,
      f1: 0.975,
      rocAuc: 0.999,
    });
    const fromScratch = job('scratch', {
      accuracy: 0.9,
      precision: 0.9,
      recall: 0.9,
      f1: 0.9,
      rocAuc: 0.9,
    });
    const text = evidence({ pretraining, fineTuning, fromScratch }, 301);
    expect(text).toMatch(/F1 +0\.9750 +0\.9000/);
    expect(text).toMatch(/5\.2500 nats[^]*6\.5000 nats/);
    expect(text).toContain('5 min 1 s');
    expect(text).toContain('12,346 tokens/s');
    expect(text).toContain(fineTuning.result.stateHash);
    expect(whereThingsAre(fineTuning, 'http://127.0.0.1:1', '/home')).toContain(
      'ringmaster model show mail-spam',
    );
  });
});
