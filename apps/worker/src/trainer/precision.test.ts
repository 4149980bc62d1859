import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyJob, train } from './tiny.test.fixture.js';
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

async function trained(changes: object, size = 1) {
  const job = await tinyJob(ground, { steps: STEPS, ...changes });
  const { finished, messages } = await train(ground, job, size);
  const reports = messages[0]!.flatMap((message) =>
    message.type === 'progress' ? message.steps : [],
  );
  const losses = reports.slice(-LAST).map(({ loss }) => loss ?? NaN);
  const loss = losses.reduce((sum, value) => sum + value, 0) / LAST;
  return { hash: finished.position.stateHash, loss };
}

describe('training in bfloat16', () => {
  it('ends in the same bytes with 1, 2 and 3 workers', async () => {
    const hashes = new Set<string>();
    for (const size of [1, 2, 3]) hashes.add((await trained({ precision: 'bfloat16' }, size)).hash);
    expect(hashes.size).toBe(1);
    expect(hashes).not.toContain((await trained({})).hash);
  });

  it('learns as in float32: the difference is less than that of seeds', async () => {
    const seeds = [3, 4, 5];
    const exact: number[] = [];
    for (const seed of seeds) exact.push((await trained({ seed })).loss);
    const rounded = await trained({ precision: 'bfloat16', seed: 3 });
    const noise = Math.max(...exact) - Math.min(...exact);
    expect(Math.abs(rounded.loss - exact[0]!)).toBeLessThan(noise);
  });
});
