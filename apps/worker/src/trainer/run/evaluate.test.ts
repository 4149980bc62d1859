import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFile } from 'node:fs/promises';
import { artifactManifestSchema } from '@ringmaster/protocol';
import { alone, finish, goOn, microbatches, tinyJob, train } from '../tiny.test.fixture.js';
import { change, form, TrainingGround } from '../trainers.test.fixture.js';

let ground: TrainingGround;

beforeAll(async () => {
  ground = await TrainingGround.create();
});

afterAll(async () => {
  await ground.remove();
});

/** Evaluations of the tagger that are no better before it stops. */
const PATIENCE = 15;

const stopping = { metric: 'loss', patience: 2, minimumDelta: 0.2 };

describe('a run with early stopping', () => {
  it('ends at the same evaluation with the same state and model, wherever it was interrupted', async () => {
    const job = (every: number) =>
      tinyJob(ground, {
        steps: 60,
        optimizer: { learningRate: 3e-3 },
        evaluation: { every: 4 },
        earlyStopping: stopping,
        checkpoint: { every, keep: 99 },
      });
    // A checkpoint is written after a step and before its evaluation: the first run's owe one, the second's do not.
    const alone = await train(ground, await job(4), 1);
    const pair = await train(ground, await job(3), 2);
    const { position, model } = alone.finished;
    expect(pair.finished).toMatchObject({ position, model });
    expect(position.step).toBeLessThan(60);
    expect(position.evaluations).toBe(position.step / 4);
    const manifest = await modelManifest(model);
    expect(manifest.step).toBe(position.step);
    expect(manifest.weights).toEqual({ step: position.step - 4 * stopping.patience });

    const written = ({ messages }: typeof alone) =>
      messages.flat().flatMap((message) => (message.type === 'checkpointed' ? [message] : []));
    const chosen = [written(alone).at(0), written(pair).at(-1)];
    for (const [index, checkpoint] of chosen.entries()) {
      if (checkpoint === undefined) throw new Error('no checkpoint was written');
      const from = checkpoint.position;
      expect(from.evaluations).toBe(Math.ceil(from.step / 4) - 1);
      const trainers = await Promise.all(
        Array.from({ length: 1 + (index % 2) }, () => ground.trainer(alone.launch)),
      );
      const { manifest } = checkpoint;
      const begin = { at: 'checkpoint', manifest, position: from } as const;
      await form(trainers, { generation: 2, begin, microbatches });
      expect(await finish(trainers, 2)).toMatchObject({ position, model });
      await Promise.all(trainers.map((trainer) => ground.rest(trainer)));
    }
  });

  it('by the F1 of entities ends at the same step in the same bytes after a kill', async () => {
    const launch = await ground.launchOf(await taggingJob());
    const expected = await alone(ground, launch);
    const { step, evaluations } = expected.position;
    expect(step).toBe(4 * evaluations);
    expect(step).toBeLessThan(400);

    const [dies, stays] = await Promise.all([ground.trainer(launch), ground.trainer(launch)]);
    await form([dies, stays], { generation: 1, begin: { at: 'specification' }, microbatches });
    // The best evaluation so far is in the state that survives.
    await dies.next('progress', (said) => said.evaluations.length > 0);
    await dies.end();
    await stays.failure();
    const { position, model } = await goOn(ground, [stays], 2);
    expect(position).toEqual(expected.position);
    expect(model).toBe(expected.model);
    const found = expected.messages.flatMap((said) =>
      said.type === 'progress' ? said.evaluations.map(({ metrics }) => metrics['f1'] ?? 0) : [],
    );
    const best = found.indexOf(Math.max(...found));
    expect(best).toBe(found.length - 1 - PATIENCE);
    expect(found[best]).toBeGreaterThan(0.5);
    expect((await modelManifest(model)).weights).toEqual({ step: 4 * (best + 1) });
  });

  it('hands its best weights on to a newcomer, whose model has them though the run never stopped', async () => {
    const patient = { ...stopping, patience: 99, minimumDelta: 5 };
    const changes = { steps: 150, evaluation: { every: 4 }, earlyStopping: patient };
    const { launch, finished } = await train(ground, await tinyJob(ground, changes), 1);
    expect(finished.position).toMatchObject({ step: 150, evaluations: 38 });
    expect((await modelManifest(finished.model)).weights).toEqual({ step: 4 });

    const [goes, comes] = await Promise.all([ground.trainer(launch), ground.trainer(launch)]);
    await form([goes], { generation: 1, begin: { at: 'specification' }, microbatches });
    await goes.next('progress', ({ steps }) => steps.some(({ step }) => step > 4));
    await change([goes], [goes, comes], { generation: 2, microbatches });
    await change([goes, comes], [comes], { generation: 3, microbatches });
    await goes.end();
    const { position, model } = finished;
    expect(await finish([comes], 3)).toMatchObject({ position, model });
  });

  it('has the last weights where nothing was evaluated', async () => {
    const { finished } = await train(ground, await tinyJob(ground, { steps: 4 }), 1);
    expect(finished.position).toMatchObject({ step: 4, evaluations: 0 });
    expect((await modelManifest(finished.model)).weights).toEqual({ step: 4 });
  });
});

/** Names in sentences of a pattern, for a tagger that stops by the F1 of the entities that it finds. */
async function taggingJob(): Promise<object> {
  const names = ['Anna', 'Carla Weber', 'Eva Maria Lang'];
  const examples = Array.from({ length: 120 }, (_, number) => {
    const name = (names[number % names.length] ?? '').split(' ');
    const rest = `saw ${number} of ${number % 5} ships`.split(' ');
    const ner = [
      ...name.map((_, word) => (word === 0 ? 'B-PER' : 'I-PER')),
      ...rest.map(() => 'O'),
    ];
    return JSON.stringify({ tokens: [...name, ...rest], ner });
  });
  return {
    kind: 'finetune',
    name: 'tagger',
    model: { architecture: 'bert', layers: 1, hidden: 16, heads: 2, context: 32, dropout: 0.1 },
    tokenizer: { algorithm: 'wordpiece', vocabulary: 300 },
    task: 'token-classification',
    data: {
      files: await ground.file('names.jsonl', examples.join('\n')),
      columns: { tags: 'ner' },
      validation: 0.2,
    },
    batch: { sequences: 8, microbatches },
    optimizer: { learningRate: 3e-3 },
    steps: 400,
    evaluation: { every: 4 },
    earlyStopping: { metric: 'f1', patience: PATIENCE },
    seed: 3,
  };
}

async function modelManifest(id: string | null) {
  const text = await readFile(ground.store().path(id ?? ''), 'utf8');
  return artifactManifestSchema.parse(JSON.parse(text));
}
