import { afterAll, beforeAll, expect, it } from 'vitest';
import { endAll, openRanks } from '../ranks.test.fixture.js';
import { GenerationEnded } from '../session/generation-ended.js';
import { tinyJob } from '../tiny.test.fixture.js';
import { TrainingGround } from '../trainers.test.fixture.js';
import { trainStep } from './step.js';

let ground: TrainingGround;

beforeAll(async () => {
  ground = await TrainingGround.create();
});

afterAll(async () => {
  await ground.remove();
});

it('leaves a microbatch in hand when its generation is over, and the state as it was', async () => {
  let asked = 0;
  let endsAfter = Infinity;
  const ending = () => (asked++ < endsAfter ? 0 : 2);
  const [rank] = await openRanks(ground, await tinyJob(ground, {}), 1, (run) => run, ending);
  if (rank === undefined) throw new Error('no rank');
  const { run, session } = rank;
  // Exponents are measured by the first step.
  await trainStep(run, session);
  const before = run.stateHash();
  const leaveAt = async (layers: number) => {
    [asked, endsAfter] = [0, layers];
    await expect(trainStep(run, session)).rejects.toThrow(GenerationEnded);
    // Nothing more was computed than to the end of a layer.
    expect(asked).toBeLessThan(layers + 3);
    expect(run.stateHash()).toBe(before);
    return run.loaded.runtime.live;
  };
  // What is kept for shapes of this step is there after the first time.
  await leaveAt(40);
  const { live } = run.loaded.runtime;
  for (const at of [40, 25, 10, 3]) expect(await leaveAt(at)).toBe(live);
  [asked, endsAfter] = [0, Infinity];
  await trainStep(run, session);
  expect(run.step).toBe(2);
  await endAll([rank]);
});
