import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ownIdentity } from '@ringmaster/base';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestCoordinator } from './coordinator.test.fixture.js';
import { Scene } from './scene.test.fixture.js';

let scene: Scene;
let location: TestCoordinator['artifacts'];
beforeEach(async () => {
  scene = await Scene.open();
  // The home of a coordinator on this host.
  const file = { cluster: 'test', ...ownIdentity(), url: '', control: '' };
  await writeFile(join(scene.cache, 'coordinator.json'), JSON.stringify(file));
  location = {
    fingerprint: null,
    url: '',
    directory: join(scene.cache, 'artifacts'),
    cluster: 'test',
  };
  scene.coordinator.artifacts = location;
});
afterEach(() => scene.close());

const checkpoint = {
  job: 'good',
  specHash: '0'.repeat(64),
  position: { step: 7, evaluations: 0, stateHash: 'a'.repeat(64) },
  manifest: 'b'.repeat(64),
};
const kept = () => {
  const directory = join(scene.cache, 'kept');
  return existsSync(directory) ? readdirSync(directory) : [];
};
const untilKept = async (count: number) => {
  while (kept().length !== count) await sleep(20);
};
const isCheckpoint = ({ message }: { message: { type: string } }) =>
  message.type === 'checkpointed';

const tells = ({ checkpoints }: { checkpoints: readonly unknown[] }) => checkpoints.length > 0;

describe('a worker without a coordinator', () => {
  it('has its trainers save before it ends, and the next worker of the home tells of it', async () => {
    const { ending } = await scene.startWithTrainer('good', { orphanTimeoutMs: 1000 });
    scene.coordinator.close();
    expect(await ending).toMatchObject({ reason: 'orphaned' });
    expect(kept()).toEqual([`${checkpoint.manifest}.json`]);
    writeFileSync(join(scene.cache, 'kept', 'cut.json'), '{"job":');

    scene.coordinator = await TestCoordinator.open();
    scene.coordinator.artifacts = location;
    void scene.start({ name: 'worker-2' });
    const { checkpoints } = await scene.coordinator.take('register', tells);
    expect(checkpoints).toEqual([checkpoint]);
    await untilKept(1);
  });

  it('has its trainers save when one of them fails, and tells of it when there is one again', async () => {
    const { pid } = await scene.startWithTrainer('good');
    scene.coordinator.close();
    await sleep(300);
    process.kill(pid, 'SIGUSR2');
    await untilKept(1);
    scene.coordinator = await TestCoordinator.open();
    scene.coordinator.artifacts = location;
    const { checkpoints, trainers } = await scene.coordinator.take('register', tells);
    expect(checkpoints).toEqual([checkpoint]);
    expect(trainers).toMatchObject([{ pid }]);
    await scene.coordinator.take('trainer-message', ({ message }) => message.type === 'failed');
    await scene.coordinator.take('trainer-message', isCheckpoint);
    await untilKept(0);
  });
});

describe('a checkpoint', () => {
  it('is remembered until the coordinator is known to have heard of it', async () => {
    await scene.startWithTrainer('good');
    scene.coordinator.answering = false;
    await scene.coordinator.tell('worker-1', {
      type: 'trainer-command',
      trainer: 'good-1',
      command: { type: 'save' },
    });
    await scene.coordinator.take('trainer-message', isCheckpoint);
    expect(kept()).toEqual([`${checkpoint.manifest}.json`]);
    scene.coordinator.answering = true;
    await untilKept(0);
  });
});
