import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { finish, goOn, microbatches, sentence, tinyJob, train } from './tiny.test.fixture.js';
import { form, TrainingGround } from './trainers.test.fixture.js';

type Trained = Awaited<ReturnType<typeof train>>;

let ground: TrainingGround;
/** A run of one worker, and the same one of two. */
let alone: Trained;
let pair: Trained;
let classify: object;
let stopping: object;

beforeAll(async () => {
  ground = await TrainingGround.create();
  const pretrain = await tinyJob(ground, { checkpoint: { every: 9 }, evaluation: { every: 12 } });
  alone = await train(ground, pretrain, 1);
  pair = await train(ground, pretrain, 2);
  const labelled = Array.from({ length: 300 }, (_, number) => {
    const label = number % 3 === 0 ? 'magic' : 'plain';
    return JSON.stringify({
      text: `${sentence(number)} ${label === 'magic' ? 'abracadabra' : 'nothing'} ${number}`,
      label,
    });
  }).join('\n');
  const examples = await ground.file('examples.jsonl', labelled);
  classify = {
    kind: 'finetune',
    name: 'tiny-classifier',
    model: { architecture: 'bert', layers: 2, hidden: 32, heads: 2, context: 32, dropout: 0.1 },
    tokenizer: { algorithm: 'wordpiece', vocabulary: 400 },
    seed: 3,
    data: { files: examples, test: 0.2 },
    task: 'text-classification',
    batch: { sequences: 16, microbatches },
    optimizer: { learningRate: 3e-3 },
    epochs: 6,
  };
  stopping = {
    ...classify,
    data: { files: examples, test: 0.2, validation: 0.1 },
    evaluation: { every: 4 },
    earlyStopping: { metric: 'f1', patience: 2 },
  };
});

afterAll(async () => {
  await ground.remove();
});

describe('a run', () => {
  it('has the same bytes with 1, 2 and 3 workers, and when it is resumed from a checkpoint by another number', async () => {
    const { launch, finished, messages } = alone;
    expect(pair.finished).toMatchObject({ position: finished.position, model: finished.model });

    const checkpoint = messages[0]?.find((message) => message.type === 'checkpointed');
    if (checkpoint?.type !== 'checkpointed') throw new Error('no checkpoint was written');
    const { position, manifest } = checkpoint;
    expect(position.step).toBe(9);
    const resumed = await Promise.all([1, 2, 3].map(() => ground.trainer(launch)));
    const begin = { at: 'checkpoint', manifest, position } as const;
    await form(resumed, { generation: 7, begin, microbatches });
    expect((await finish(resumed, 7)).position).toEqual(finished.position);
  });

  it('goes on from memory in a new generation with fewer members, to the same bytes', async () => {
    const { launch, finished } = alone;
    const [stays, dies] = await Promise.all([ground.trainer(launch), ground.trainer(launch)]);
    await form([stays, dies], { generation: 1, begin: { at: 'specification' }, microbatches });
    await dies.next('progress', ({ steps }) => steps.length > 0);
    await dies.end();
    expect((await stays.failure()).error.code).toBe('RING_PEER_LOST');
    expect((await goOn(ground, [stays], 2)).position).toEqual(finished.position);
  });

  it('learns, evaluates at its steps, and reports what each rank saw alike', () => {
    const progress = (pair.messages[0] ?? []).flatMap((message) =>
      message.type === 'progress' ? [message] : [],
    );
    const steps = progress.flatMap((message) => message.steps);
    expect(steps.map(({ step }) => step)).toEqual(
      Array.from({ length: 24 }, (_, index) => index + 1),
    );
    expect(steps[0]?.attempts).toBe(2);
    expect(steps.at(-1)?.loss).toBeLessThan(steps[0]?.loss ?? 0);
    expect(progress.flatMap((message) => message.evaluations).map(({ step }) => step)).toEqual([
      12, 24,
    ]);
  });

  it('learns to classify what a word gives away', async () => {
    const { finished } = await train(ground, classify, 2);
    expect(finished.metrics['f1']).toBeGreaterThan(0.95);
  });

  it('stops by a metric of its task, at the same evaluation with any number of workers', async () => {
    const one = await train(ground, stopping, 1);
    const two = await train(ground, stopping, 2);
    expect(two.finished).toMatchObject({
      position: one.finished.position,
      model: one.finished.model,
    });
    const evaluations = (two.messages[0] ?? []).flatMap((message) =>
      message.type === 'progress' ? message.evaluations : [],
    );
    const names = Object.keys(evaluations[0]?.metrics ?? {});
    expect(names.sort()).toEqual(['accuracy', 'f1', 'precision', 'recall']);
    expect(evaluations.at(-1)?.step).toBe(two.finished.position.step);
    const found = evaluations.map(({ metrics }) => metrics['f1'] ?? 0);
    // The best one, and after it two that are no better.
    expect(found.indexOf(Math.max(...found))).toBe(found.length - 3);
  });
});
