import { jobStates, workerStates, type StepReport } from '@ringmaster/protocol';
import { describe, expect, it } from 'vitest';
import { newRun } from '../runs/run.js';
import { Metrics } from './metrics.js';

const zero = <Key extends string>(keys: readonly Key[]) =>
  Object.fromEntries(keys.map((key) => [key, 0])) as Record<Key, number>;
const census = {
  workers: zero(workerStates),
  slots: zero(['free', 'busy']),
  jobs: zero(jobStates),
  storage: null,
};

const report: StepReport = {
  step: 1,
  attempts: 1,
  loss: 2,
  learningRate: 0.1,
  gradientNorm: 1,
  tokens: 64,
  counted: 8,
  startedAt: 0,
  seconds: 0.1,
  microbatches: 2,
  ringBytes: 100,
  ringSeconds: 0.01,
  phases: { compute: 0.05, quantise: 0.01, send: 0.01, wait: 0.01, update: 0.02 },
  ledger: { samples: 8, digest: 1 },
  nonFinite: null,
  audit: 'agreed',
};
const recovery = { detect: 1, abort: 1, form: 1, transfer: 1, firstStep: 1 };

/** Counts all that can be counted of a job on so many workers. */
function live(metrics: Metrics, job: string, workers: number): void {
  metrics.open(job);
  const limits = { min: 1, max: 64, microbatches: 64, keep: 1, keepAtEnd: 0, auditEvery: 1 };
  const run = newRun(job, 'name', limits);
  metrics.recordChange(job, run, run);
  metrics.recordCheckpoint(job, 1);
  metrics.recordRecovery(job, recovery);
  metrics.incidents.inc({ job });
  metrics.recordApplied(job, [report]);
  for (let rank = 0; rank < workers; rank++) metrics.recordSteps(job, `w-${rank}`, rank, [report]);
  const figures = { step: 1, steps: 2, tokensPerSecond: 1, evaluationLoss: 1, trainers: workers };
  metrics.recordJob(job, figures);
}

const seriesOf = (text: string, label: string, value: string) =>
  text.split('\n').filter((line) => line.includes(`${label}="${value}"`));

describe('the series of a job', () => {
  it.each([1, 2, 64])('are at most 40 on %i workers', async (workers) => {
    const metrics = new Metrics(() => census);
    live(metrics, 'j-1', workers);
    const series = seriesOf(await metrics.scrape(), 'job', 'j-1');
    expect(series.length).toBeGreaterThan(30);
    expect(series.length).toBeLessThanOrEqual(40);
  });

  it('are shown by one scrape after its end, and those of its workers with them', async () => {
    const metrics = new Metrics(() => census);
    live(metrics, 'j-1', 2);
    live(metrics, 'j-2', 1);
    const before = await metrics.scrape();
    metrics.end('j-1');
    const last = await metrics.scrape();
    expect(seriesOf(last, 'job', 'j-1')).toEqual(seriesOf(before, 'job', 'j-1'));
    const after = await metrics.scrape();
    expect(after).not.toContain('j-1');
    expect(seriesOf(after, 'job', 'j-2')).toEqual(seriesOf(before, 'job', 'j-2'));
    expect(seriesOf(after, 'worker', 'w-0')).toEqual(seriesOf(before, 'worker', 'w-0'));
    expect(after).not.toContain('w-1');
  });

  it('are bounded where nobody scrapes', async () => {
    const metrics = new Metrics(() => census);
    for (let at = 0; at < 200; at++) {
      live(metrics, `j-${at}`, 1);
      metrics.end(`j-${at}`);
    }
    const text = await metrics.scrape();
    expect(new Set(text.match(/job="[^"]*"/g)).size).toBe(50);
    expect(text).toContain('j-199');
  });

  it('of a preparation are those of its present phase, and none once it is done', async () => {
    const metrics = new Metrics(() => census);
    const told = async () => seriesOf(await metrics.scrape(), 'job', 'j-1');
    const progress = (phase: 'read' | 'encode') =>
      ({
        phase,
        bytes: { done: 5, total: 10 },
        bytesPerSecond: 1,
        secondsLeft: 5,
        done: 5,
        total: 10,
      }) as const;
    metrics.recordPreparation('j-1', progress('read'));
    metrics.recordPreparation('j-1', progress('encode'));
    expect(await told()).toEqual([
      'ringmaster_job_prepared_bytes{job="j-1",phase="encode"} 5',
      'ringmaster_job_preparation_bytes{job="j-1",phase="encode"} 10',
      'ringmaster_job_preparation_left_seconds{job="j-1",phase="encode"} 5',
    ]);
    metrics.recordPreparation('j-1', null);
    expect(await told()).toEqual([]);
  });

  it('tell what was reported', async () => {
    const metrics = new Metrics(() => census);
    live(metrics, 'j-1', 2);
    const text = await metrics.scrape();
    for (const line of [
      'ringmaster_steps_total{job="j-1"} 1',
      'ringmaster_rank_steps_total{job="j-1"} 2',
      'ringmaster_step_phase_seconds_total{job="j-1",phase="compute"} 0.1',
      'ringmaster_worker_step_phase_seconds_total{worker="w-1",phase="compute"} 0.05',
      'ringmaster_recovery_seconds_total{job="j-1",phase="first_step"} 1',
      'ringmaster_step_seconds_sum{job="j-1"} 0.1',
      'ringmaster_audits_total{job="j-1",result="transient"} 0',
    ])
      expect(text).toContain(line);
  });
});

it('no gauge is named as counters are', async () => {
  const text = await new Metrics(() => census).scrape();
  expect(text.match(/^# TYPE \S+_total (?!counter)/gm)).toBeNull();
});
