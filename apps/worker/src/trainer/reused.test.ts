import { readdirSync, readlinkSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { alone, finish, microbatches, tinyJob } from './tiny.test.fixture.js';
import { form, TrainingGround } from './trainers.test.fixture.js';

let ground: TrainingGround;

beforeAll(async () => {
  ground = await TrainingGround.create();
});

afterAll(async () => {
  await ground.remove();
});

/** What a process holds open of rings, memory and threads. */
function held(pid = 0): { files: string[]; threads: number } {
  const files = readdirSync(`/proc/${pid}/fd`).map((file) =>
    readlinkSync(`/proc/${pid}/fd/${file}`).replace(/[0-9a-f]{16,}|\d+/g, '…'),
  );
  return { files: files.sort(), threads: readdirSync(`/proc/${pid}/task`).length };
}

it('computes the bytes of a fresh process after a run of another family and precision, and holds nothing of it', async () => {
  const masked = await ground.launchOf(await tinyJob(ground, { steps: 6 }));
  const causal = await ground.launchOf(
    await tinyJob(ground, {
      model: { architecture: 'gpt', layers: 1, hidden: 32, heads: 2, context: 16 },
      objective: 'causal-language-model',
      tokenizer: { algorithm: 'bpe', vocabulary: 400 },
      precision: 'bfloat16',
      checkpoint: { every: 2 },
      steps: 6,
    }),
  );
  const fresh = await alone(ground, masked);
  const trainer = await ground.trainer(causal);
  const trained = async () => {
    await form([trainer], { generation: 1, begin: { at: 'specification' }, microbatches });
    return finish([trainer], 1);
  };
  const first = await trained();
  const prepare = { type: 'prepare', generation: 2, rank: 0, size: 2, planned: false } as const;
  // The first ring of several ranks starts the thread of rings, which the process keeps.
  trainer.command(prepare);
  await trainer.next('prepared', ({ generation }) => generation === 2);
  await trainer.release();
  const between = held(trainer.child.pid);
  await ground.begin(trainer, masked);
  expect(await trained()).toMatchObject({ position: fresh.position, model: fresh.model });
  await trainer.release();
  expect(held(trainer.child.pid)).toEqual(between);
  // One that is released before it has answered a command opens nothing for it afterwards.
  await ground.begin(trainer, masked);
  await trained();
  trainer.command(prepare);
  await trainer.release();
  expect(held(trainer.child.pid)).toEqual(between);
  await ground.begin(trainer, causal);
  expect(await trained()).toMatchObject({ position: first.position, model: first.model });
});
