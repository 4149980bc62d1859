import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { form, TrainingGround, type TrainerProcess } from './trainers.test.fixture.js';

const microbatches = 4;
const words =
  'the quick brown fox jumps over a lazy dog while seven grey wizards brew some strange potion'.split(
    ' ',
  );

/** Sentences that a pure function of their number makes. */
function sentence(number: number): string {
  return Array.from(
    { length: 6 + (number % 7) },
    (_, at) => words[(number * 7 + at * at * 3) % words.length],
  ).join(' ');
}

let ground: TrainingGround;
let pretrain: object;
let classify: object;
let stopping: object;

beforeAll(async () => {
  ground = await TrainingGround.create();
  const lines = Array.from({ length: 400 }, (_, number) => `${sentence(number)} ${number}`).join(
    '\n',
  );
  const texts = await ground.file('texts.txt', lines);
  const labelled = Array.from({ length: 300 }, (_, number) => {
    const label = number % 3 === 0 ? 'magic' : 'plain';
    return JSON.stringify({
      text: `${sentence(number)} ${label === 'magic' ? 'abracadabra' : 'nothing'} ${number}`,
      label,
    });
  }).join('\n');
  const examples = await ground.file('examples.jsonl', labelled);
  const shared = {
    model: { architecture: 'bert', layers: 2, hidden: 32, heads: 2, context: 32, dropout: 0.1 },
    tokenizer: { algorithm: 'wordpiece', vocabulary: 400 },
    seed: 3,
  };
  pretrain = {
    ...shared,
    kind: 'pretrain',
    name: 'tiny',
    data: { files: texts, format: 'lines', validation: 0.1 },
    objective: 'masked-language-model',
    batch: { sequences: 8, microbatches },
    optimizer: { learningRate: 1e-3 },
    steps: 24,
    checkpoint: { every: 9 },
    evaluation: { every: 12 },
  };
  classify = {
    ...shared,
    kind: 'finetune',
    name: 'tiny-classifier',
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

async function finish(trainers: readonly TrainerProcess[], generation: number) {
  const finished = await Promise.all(
    trainers.map((trainer) =>
      trainer.next('finished', (message) => message.generation === generation),
    ),
  );
  const hashes = new Set(finished.map(({ position }) => position.stateHash));
  expect(hashes.size).toBe(1);
  const [first] = finished;
  if (first === undefined) throw new Error('nobody finished');
  return first;
}

async function train(job: object, size: number) {
  const launch = await ground.launchOf(job);
  const trainers = await Promise.all(Array.from({ length: size }, () => ground.trainer(launch)));
  await form(trainers, { generation: 1, begin: { at: 'specification' }, microbatches });
  const finished = await finish(trainers, 1);
  await Promise.all(trainers.map((trainer) => trainer.end()));
  return { finished, messages: trainers[0]?.messages ?? [], launch };
}

describe('a run', () => {
  it('has the same bytes with 1, 2 and 3 workers, and when it is resumed from a checkpoint by another number', async () => {
    const alone = await train(pretrain, 1);
    const two = await train(pretrain, 2);
    const three = await train(pretrain, 3);
    expect(two.finished.position.stateHash).toBe(alone.finished.position.stateHash);
    expect(three.finished.position.stateHash).toBe(alone.finished.position.stateHash);
    expect(two.finished.model).toBe(alone.finished.model);

    const checkpoint = alone.messages.find((message) => message.type === 'checkpointed');
    if (checkpoint?.type !== 'checkpointed') throw new Error('no checkpoint was written');
    const { position, manifest } = checkpoint;
    expect(position.step).toBe(9);
    const resumed = await Promise.all([ground.trainer(alone.launch), ground.trainer(alone.launch)]);
    const begin = { at: 'checkpoint', manifest, position } as const;
    await form(resumed, { generation: 7, begin, microbatches });
    const finished = await finish(resumed, 7);
    expect(finished.position.stateHash).toBe(alone.finished.position.stateHash);
  });

  it('goes on from memory in a new generation with fewer members, to the same bytes', async () => {
    const launch = await ground.launchOf(pretrain);
    const undisturbed = await train(pretrain, 1);
    const [stays, dies] = await Promise.all([ground.trainer(launch), ground.trainer(launch)]);
    await form([stays, dies], { generation: 1, begin: { at: 'specification' }, microbatches });
    await dies.next('progress', ({ steps }) => steps.length > 0);
    await dies.end();
    expect((await stays.failure()).error.code).toBe('RING_PEER_LOST');
    stays.command({ type: 'prepare', generation: 2, rank: 0, size: 1, planned: false });
    const { endpoint, donor, state } = await stays.next(
      'prepared',
      (message) => message.generation === 2,
    );
    if (state === null) throw new Error('the survivor has no state');
    const shares = [Array.from({ length: microbatches }, (_, microbatch) => microbatch)];
    stays.command({
      type: 'start',
      generation: 2,
      begin: { at: 'peers', holders: [0], position: state },
      seats: [{ endpoint, donor, worker: 'w' }],
      shares,
      firstShares: shares,
      deadlineMs: 60_000,
    });
    const { stateHash } = undisturbed.finished.position;
    expect((await finish([stays], 2)).position.stateHash).toBe(stateHash);
  });

  it('learns, evaluates at its steps, and reports what each rank saw alike', async () => {
    const { messages } = await train(pretrain, 2);
    const progress = messages.flatMap((message) => (message.type === 'progress' ? [message] : []));
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
    const { finished } = await train(classify, 2);
    expect(finished.metrics['f1']).toBeGreaterThan(0.95);
  });

  it('stops by a metric of its task, at the same evaluation with any number of workers', async () => {
    const alone = await train(stopping, 1);
    const pair = await train(stopping, 2);
    expect(pair.finished.position).toEqual(alone.finished.position);
    expect(pair.finished.model).toBe(alone.finished.model);
    const evaluations = pair.messages.flatMap((message) =>
      message.type === 'progress' ? message.evaluations : [],
    );
    const names = Object.keys(evaluations[0]?.metrics ?? {});
    expect(names.sort()).toEqual(['accuracy', 'f1', 'precision', 'recall']);
    expect(evaluations.at(-1)?.step).toBe(pair.finished.position.step);
    const found = evaluations.map(({ metrics }) => metrics['f1'] ?? 0);
    // The best one, and after it two that are no better.
    expect(found.indexOf(Math.max(...found))).toBe(found.length - 3);
  });
});
