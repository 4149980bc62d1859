import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { alone, sentence, throughAKill, tinyJob } from './tiny.test.fixture.js';
import { TrainingGround } from './trainers.test.fixture.js';

const STEPS = 60;
/** Steps at the end whose mean loss is compared. */
const LAST = 20;

let ground: TrainingGround;

beforeAll(async () => {
  ground = await TrainingGround.create();
});

afterAll(async () => {
  await ground.remove();
});

async function trained(changes: object) {
  const launch = await ground.launchOf(await tinyJob(ground, { steps: STEPS, ...changes }));
  const { position, messages } = await alone(ground, launch);
  const losses = messages
    .flatMap((message) => (message.type === 'progress' ? message.steps : []))
    .slice(-LAST)
    .map(({ loss }) => loss ?? NaN);
  return { launch, position, loss: losses.reduce((sum, value) => sum + value, 0) / LAST };
}

describe('training in bfloat16', () => {
  it('ends in the same bytes with 1, 2 and 3 workers, and learns as in float32: the difference is less than that of seeds', async () => {
    const exact: Awaited<ReturnType<typeof trained>>[] = [];
    for (const seed of [3, 4, 5]) exact.push(await trained({ seed }));
    const rounded = await trained({ precision: 'bfloat16', seed: 3 });
    expect((await throughAKill(ground, rounded.launch)).position).toEqual(rounded.position);

    expect(rounded.position.stateHash).not.toBe(exact[0]?.position.stateHash);
    const losses = exact.map(({ loss }) => loss);
    const noise = Math.max(...losses) - Math.min(...losses);
    expect(Math.abs(rounded.loss - (losses[0] ?? NaN))).toBeLessThan(noise);
  });

  it('ends in the same bytes with 1, 2 and 3 workers where attention is computed in several tiles', async () => {
    const text = Array.from({ length: 40 }, (_, number) =>
      Array.from({ length: 90 }, (_, part) => sentence(91 * number + part)).join(' '),
    );
    const launch = await ground.launchOf(
      await tinyJob(ground, {
        model: { architecture: 'gpt', layers: 1, hidden: 16, heads: 2, context: 600, dropout: 0.1 },
        tokenizer: { algorithm: 'bpe', vocabulary: 400 },
        data: { files: await ground.file('long.txt', text.join('\n')), format: 'lines' },
        objective: 'causal-language-model',
        batch: { sequences: 4, microbatches: 4 },
        precision: 'bfloat16',
        steps: 8,
      }),
    );
    const whole = await alone(ground, launch);
    expect((await throughAKill(ground, launch)).position).toEqual(whole.position);
  });
});
