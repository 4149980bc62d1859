import { parseJobSpec, type JobState } from '@ringmaster/protocol';
import { describe, expect, it } from 'vitest';
import { finetuneSpec } from '../fixtures/job-files.test.fixture.js';
import type { JobRecord } from '../store/jobs.js';
import { viewOf } from './views.js';

function record(state: JobState, step: number, changes: Record<string, unknown> = {}): JobRecord {
  const spec = parseJobSpec(
    finetuneSpec('/texts.csv', {
      base: 'some-model',
      evaluation: { every: 3 },
      earlyStopping: { metric: 'accuracy', patience: 2 },
      ...changes,
    }),
  );
  return {
    seq: 1,
    id: 'j-1',
    name: 'tuned',
    spec,
    after: [],
    base: null,
    state,
    generation: 1,
    step,
    steps: 380,
    parameters: null,
    memory: null,
    dataManifest: null,
    baseManifest: null,
    workers: [],
    ranks: [],
    loss: 1,
    tokensPerSecond: null,
    secondsPerStep: null,
    evaluation: null,
    result: null,
    error: null,
    createdAt: '',
    startedAt: null,
    endedAt: null,
  };
}

describe('a job that early stopping has ended', () => {
  it('tells why, and of which step its weights are', () => {
    const view = viewOf(record('succeeded', 9), null, null, 3);
    expect(view.stoppedEarly).toEqual({ metric: 'accuracy', patience: 2, weightsStep: 3 });
  });

  it.each([
    ['runs', record('running', 9)],
    ['failed', record('failed', 9)],
    ['made all its steps', record('succeeded', 380)],
    ['has none', record('succeeded', 9, { earlyStopping: undefined })],
  ])('is not one that %s', (_, job) => {
    expect(viewOf(job, null).stoppedEarly).toBeNull();
  });
});
