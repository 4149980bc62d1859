import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { alone, microbatches, throughAKill, tinyJob, train } from './tiny.test.fixture.js';
import { TrainingGround } from './trainers.test.fixture.js';

let ground: TrainingGround;
beforeAll(async () => {
  ground = await TrainingGround.create();
});
afterAll(async () => {
  await ground.remove();
});

type Messages = Awaited<ReturnType<typeof alone>>['messages'];

/** The losses of the steps that a trainer told of. */
const lossesOf = (messages: Messages) =>
  messages.flatMap((said) => (said.type === 'progress' ? said.steps.map(({ loss }) => loss) : []));

describe('a pretraining that goes on from a base', () => {
  it('begins where that ended, on other texts, and ends in the same bytes after a kill', async () => {
    const first = await train(ground, await tinyJob(ground, { steps: 40 }), 1);
    const other = Array.from({ length: 200 }, (_, number) => `wizards brew a potion ${number}`);
    const job = {
      kind: 'pretrain',
      name: 'adapted',
      base: '/base',
      objective: 'masked-language-model',
      data: { files: await ground.file('other.txt', other.join('\n')), format: 'lines' },
      batch: { sequences: 8, microbatches },
      optimizer: { learningRate: 1e-3 },
      epochs: 8,
      seed: 4,
    };
    const launch = await ground.launchOf(job, first.finished.model);
    const expected = await alone(ground, launch);
    const [before, after] = [lossesOf(first.messages[0] ?? []), lossesOf(expected.messages)];
    // A model of weights that were drawn knows nothing of the vocabulary.
    expect(after[0]).toBeLessThan((before[0] ?? NaN) - 0.5);
    expect(after.at(-1)).toBeLessThan((after[0] ?? NaN) - 0.5);
    const { position, model } = await throughAKill(ground, launch);
    expect(position).toEqual(expected.position);
    expect(model).toBe(expected.model);
  });
});
