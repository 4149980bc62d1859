import { readFileSync } from 'node:fs';
import { memoryNeedsOf, plannedModel } from '@ringmaster/tasks';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { peakMemory } from '../agent/memory.js';
import { finish, microbatches, tinyJob } from './tiny.test.fixture.js';
import { form, TrainingGround } from './trainers.test.fixture.js';

let ground: TrainingGround;

beforeAll(async () => {
  ground = await TrainingGround.create();
});

afterAll(async () => {
  await ground.remove();
});

/** Bytes of a process that files back, such as libraries, which processes share (proc(5)). */
function ofFiles(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return 1024 * Number(/^RssFile:\s*(\d+) kB$/m.exec(status)?.[1]);
}

it('is no more than what was reckoned, and not much less', async () => {
  const launch = await ground.launchOf(await tinyJob(ground, { steps: 3 }));
  const { spec } = launch;
  const planned = plannedModel(spec);
  if (planned === null) throw new Error('it trains a model of its own');
  const { bytes } = memoryNeedsOf(spec, planned);
  const trainer = await ground.trainer(launch);
  await form([trainer], { generation: 1, begin: { at: 'specification' }, microbatches });
  await finish([trainer], 1);
  const pid = trainer.child.pid ?? 0;
  const taken = (peakMemory(pid) ?? NaN) - ofFiles(pid);
  expect(taken).toBeLessThan(bytes);
  expect(taken).toBeGreaterThan(bytes / 3);
});
