import {
  incidentViewSchema,
  ledgerViewSchema,
  profileViewSchema,
  type JobView,
} from '@ringmaster/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Cluster } from './cluster.test.fixture.js';

const STEPS = 120;
const words = 'the quick brown fox jumps over a lazy dog while seven wizards brew potions'.split(
  ' ',
);

let cluster: Cluster;
let job: string;
/** State hash of the job that nothing happened to. */
let undisturbed: string;

const atWork = (workers: number) => (view: JobView) =>
  view.state === 'running' && view.workers.length === workers && view.step > 0;

beforeAll(async () => {
  cluster = await Cluster.create();
  await cluster.ok(['up', '--workers', '2']);
  const lines = Array.from({ length: 300 }, (_, line) =>
    Array.from(
      { length: 9 },
      (_, at) => words[(line * 7 + at * at * (1 + (line % 5))) % words.length],
    ),
  );
  await cluster.file('texts.txt', lines.map((line) => line.join(' ')).join('\n'));
  job = await cluster.job('job', {
    kind: 'pretrain',
    name: 'elastic',
    seed: 5,
    steps: STEPS,
    model: { architecture: 'bert', layers: 1, hidden: 32, heads: 2, context: 16, dropout: 0.1 },
    tokenizer: { algorithm: 'wordpiece', vocabulary: 300 },
    data: { files: 'texts.txt', format: 'lines' },
    objective: 'masked-language-model',
    batch: { sequences: 16, microbatches: 4 },
    optimizer: { learningRate: 1e-3 },
    evaluation: { every: 40, fraction: 0.1 },
  });
  const id = await cluster.ok(['submit', job]);
  undisturbed = (await cluster.stateHashOf(id)) ?? '';
  expect(undisturbed).toMatch(/^[0-9a-f]{64}$/);
});

afterAll(async () => {
  await cluster.remove();
});

describe('a job ends with the same bytes', () => {
  // What is done to a job finds it at work.
  beforeEach(() => cluster.pace(150));

  async function expectUndisturbed(id: string): Promise<void> {
    await cluster.hurry();
    expect(await cluster.stateHashOf(id)).toBe(undisturbed);
  }

  it('when it is paused, its slots used for another job, and it is resumed', async () => {
    const id = await cluster.ok(['submit', job]);
    await cluster.untilJob(id, atWork(2));
    await cluster.ok(['pause', id]);
    const paused = await cluster.untilJob(id, ({ state }) => state === 'paused');
    expect(paused.step).toBeLessThan(STEPS);
    expect(paused.workers).toEqual([]);

    const other = await cluster.ok(['submit', job, '--set', 'steps=5', '--set', 'seed=6']);
    expect(await cluster.stateHashOf(other)).not.toBe(undisturbed);
    expect((await cluster.view(id)).state).toBe('paused');

    await cluster.ok(['resume', id]);
    await expectUndisturbed(id);
  });

  it('when a job of higher priority takes a slot of it', async () => {
    const id = await cluster.ok(['submit', job]);
    await cluster.untilJob(id, atWork(2));
    // Trainers load twice meanwhile.
    await cluster.pace(1000);
    const high = await cluster.ok([
      'submit',
      job,
      '--set',
      'priority=9',
      '--set',
      'workers.max=1',
      '--set',
      'steps=5',
    ]);
    await cluster.untilJob(high, atWork(1));
    expect((await cluster.view(id)).workers).toHaveLength(1);
    await cluster.stateHashOf(high);
    await cluster.untilJob(id, atWork(2));
    await expectUndisturbed(id);
  });

  it('when a job of higher priority takes all its slots', async () => {
    const id = await cluster.ok(['submit', job, '--set', 'workers.min=2']);
    await cluster.untilJob(id, atWork(2));
    const high = await cluster.ok(['submit', job, '--set', 'priority=9', '--set', 'workers.min=2']);
    await cluster.untilJob(id, ({ state }) => state === 'queued');
    await expectUndisturbed(high);
    await expectUndisturbed(id);
  });
});

describe('afterwards', () => {
  it('nothing has failed', async () => {
    const incidents: unknown = JSON.parse(await cluster.ok(['incidents', '--json']));
    expect(incidentViewSchema.array().parse(incidents)).toEqual([]);
  });

  it('a profile tells of the newest steps of every rank', async () => {
    // The job has ended when its rank 0 has said so; others may tell of the last steps a moment later.
    const ranks = await cluster.until('every rank tells of the last step', async () => {
      const said = await cluster.ok(['job', 'elastic', '--profile', '--json']);
      const { ranks: told } = profileViewSchema.parse(JSON.parse(said));
      return told.every(({ steps }) => steps.at(-1)?.step === STEPS) ? told : null;
    });
    expect(ranks.length).toBeGreaterThan(0);
    for (const { steps } of ranks) {
      for (const [index, { startedAt }] of steps.slice(1).entries()) {
        const { startedAt: before = Infinity, seconds = 0 } = steps[index] ?? {};
        expect(startedAt).toBeGreaterThan(before + 1000 * seconds - 1);
      }
    }
  });

  it('workers have consumed what the ledger says', async () => {
    for (const step of [1, STEPS >> 1, STEPS]) {
      const said = await cluster.ok(['job', 'elastic', '--ledger', String(step), '--json']);
      const { computed, reported } = ledgerViewSchema.parse(JSON.parse(said));
      expect(reported).toEqual(computed);
    }
  });
});
