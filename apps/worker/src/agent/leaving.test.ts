import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive } from '@ringmaster/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AgentOptions } from './agent.js';
import { Scene } from './scene.test.fixture.js';

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.open();
});
afterEach(() => scene.close());

const down = { type: 'shutdown' } as const;
const heard = () => scene.coordinator.heard.map(({ type }) => type);

describe('a worker that is asked to leave', () => {
  it('says so, and goes once the coordinator has ended its trainers', async () => {
    const { ending, pid } = await scene.startWithTrainer('good');
    scene.leaving.abort();
    await scene.coordinator.take('leaving');
    await scene.coordinator.heartbeats(4);
    expect(isAlive(pid)).toBe(true);
    expect(heard()).not.toContain('leave');
    await scene.coordinator.tell('worker-1', { type: 'end-trainer', trainer: 'good-1' });
    await scene.coordinator.take('trainer-exited');
    await scene.coordinator.take('leave');
    expect(await ending).toEqual({ reason: 'closed' });
  });

  it('says so again to a coordinator that has forgotten', async () => {
    await scene.startWithTrainer('good');
    scene.leaving.abort();
    await scene.coordinator.take('leaving');
    await scene.coordinator.heartbeats(1);
    await scene.coordinator.tell('worker-1', { type: 'heard', known: false });
    expect((await scene.coordinator.take('register')).trainers).toHaveLength(1);
    await scene.coordinator.take('leaving');
  });

  it('has its state saved when nobody is there to take it over', async () => {
    const { ending } = await scene.startWithTrainer('good');
    scene.coordinator.close();
    scene.leaving.abort();
    expect(await ending).toEqual({ reason: 'closed' });
    expect(readdirSync(join(scene.cache, 'kept'))).toHaveLength(1);
  });

  it('has its state saved when the coordinator takes too long', async () => {
    const { ending } = await scene.startWithTrainer('good', { leaveTimeoutMs: 300 });
    scene.leaving.abort();
    const { message } = await scene.coordinator.take(
      'trainer-message',
      (said) => said.message.type === 'checkpointed',
    );
    expect(message).toMatchObject({ position: { step: 7 } });
    expect(await ending).toEqual({ reason: 'closed' });
  });

  it('goes at once when it has no trainers', async () => {
    const ending = scene.start();
    await scene.coordinator.take('register');
    scene.leaving.abort();
    expect(await ending).toEqual({ reason: 'closed' });
  });

  it.each<[string, () => void, Partial<AgentOptions>]>([
    [
      'when it is asked again',
      () => {
        scene.abort.abort();
      },
      {},
    ],
    ['when the coordinator takes too long', () => undefined, { leaveTimeoutMs: 500 }],
    ['when the cluster goes down', () => void scene.coordinator.tell('worker-1', down), {}],
    [
      'when the coordinator is gone',
      () => {
        scene.coordinator.close();
      },
      {},
    ],
  ])('goes at once %s', async (_, happen, options) => {
    const { ending, pid } = await scene.startWithTrainer('good', options);
    scene.leaving.abort();
    happen();
    expect(await ending).toEqual({ reason: 'closed' });
    expect(isAlive(pid)).toBe(false);
  });
});
