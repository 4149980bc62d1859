import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFile } from 'node:fs/promises';
import { ledgerDigest, ledgerOf, parseDataManifest } from '@ringmaster/data';
import type { StepReport, TrainerMessage } from '@ringmaster/protocol';
import { tasks } from '@ringmaster/tasks';
import { microbatches, tinyJob, train } from '../tiny.test.fixture.js';
import { TrainingGround } from '../trainers.test.fixture.js';

let ground: TrainingGround;

beforeAll(async () => {
  ground = await TrainingGround.create();
});

afterAll(async () => {
  await ground.remove();
});

const reportsIn = (messages: readonly TrainerMessage[]): StepReport[] =>
  messages.flatMap((message) => (message.type === 'progress' ? message.steps : []));

describe('what ranks report of the steps of two epochs', () => {
  it('is equal on all of them, names every sample once an epoch, and adds up', async () => {
    const job = await tinyJob(ground, { batch: { sequences: 32, microbatches }, steps: 40 });
    const { launch, messages } = await train(ground, job, 2);
    const path = ground.store().path(launch.dataManifest);
    const data = parseDataManifest(await readFile(path, 'utf8'), path);
    const samples = tasks['masked-language-model'].count(data, 'train', 32);
    const { batch, seed } = launch.spec;
    const steps = Math.ceil(samples / batch.sequences);
    expect(2 * steps).toBeLessThanOrEqual(40);
    expect(samples % batch.sequences).not.toBe(0);

    const [first = [], second = []] = messages.map(reportsIn);
    expect(first).toHaveLength(40);
    const shared = ({
      step,
      loss,
      counted,
      tokens,
      ledger,
      gradientNorm,
      attempts,
    }: StepReport) => ({
      step,
      loss,
      counted,
      tokens,
      ledger,
      gradientNorm,
      attempts,
    });
    expect(first.map(shared)).toEqual(second.map(shared));
    for (const [step, { ledger }] of first.entries()) {
      const consumed = ledgerOf(samples, { ...batch, seed }, step).flat();
      expect(ledger).toEqual({ samples: consumed.length, digest: ledgerDigest(consumed) });
    }
    for (const epoch of [first.slice(0, steps), first.slice(steps, 2 * steps)]) {
      expect(epoch.reduce((sum, { ledger }) => sum + ledger.samples, 0)).toBe(samples);
      const digest = epoch.reduce((sum, { ledger }) => (sum + ledger.digest) | 0, 0);
      expect(digest).toBe(ledgerDigest(Array(samples).keys()));
    }
    for (const report of [...first, ...second]) {
      expect(Math.abs(Date.now() - report.startedAt)).toBeLessThan(600_000);
      const phases = Object.values(report.phases);
      expect(phases.every((seconds) => seconds >= 0)).toBe(true);
      expect(phases.reduce((sum, seconds) => sum + seconds, 0)).toBeLessThan(report.seconds + 1e-3);
      expect(report.ringSeconds).toBeGreaterThan(0);
      expect(report.microbatches).toBe(microbatches / 2);
    }
  });
});
