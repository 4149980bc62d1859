import { fork } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { possible } from '@ringmaster/base/testing';
import { detection } from '@ringmaster/protocol';
import { isAlive, untilGone } from '@ringmaster/testing';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ControlGroup } from './control-group.test.fixture.js';
import { launchOf } from './coordinator.test.fixture.js';
import { program, Scene } from './scene.test.fixture.js';

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.open();
});
afterEach(() => scene.close());

/** Longer than any silence that is allowed, and two looks. */
const LONG_MS = detection.leastSilenceMs + 2 * detection.watchMs + 500;

/** Enough for a worker, and soon used up by a trainer that takes all that it gets. */
const GROUP_BYTES = 384 * 1024 * 1024;

describe('the death of a trainer', () => {
  it('is told while a process that it has started still holds its pipes', async () => {
    const { pid } = await scene.startWithTrainer('parent');
    const { lines } = await scene.coordinator.take('log', (log) =>
      log.lines.join().includes('{"child'),
    );
    const line = lines.find((text) => text.startsWith('{"child')) ?? '';
    const { child } = JSON.parse(line) as { child: number };
    process.kill(pid, 'SIGKILL');
    expect(await scene.coordinator.take('trainer-exited')).toMatchObject({ signal: 'SIGKILL' });
    expect(isAlive(child)).toBe(true);
    process.kill(child, 'SIGKILL');
  });

  it('tells how much memory it has used', async () => {
    const { pid } = await scene.startWithTrainer('good');
    await scene.coordinator.heartbeats(6);
    process.kill(pid, 'SIGKILL');
    const { rssBytes, outOfMemory } = await scene.coordinator.take('trainer-exited');
    expect(outOfMemory).toBe(false);
    expect(rssBytes).toBeGreaterThan(10e6);
    expect(rssBytes).toBeLessThan(2e9);
  });

  const group = ControlGroup.make(GROUP_BYTES);
  afterAll(() => group?.remove());
  const missing =
    'want of memory is not tested: making a control group with a limit needs the rights of root';
  it.skipIf(!possible(group !== null, missing))(
    'tells that the system wanted its memory',
    async () => {
      const agent = group!.start(program('agent'), scene.coordinator.endpoint);
      await scene.coordinator.take('register');
      const launch = async (job: string) => {
        await scene.coordinator.tell('victim', { type: 'launch', launch: launchOf(job) });
        return (await scene.coordinator.take('trainer-started')).pid;
      };
      await launch('hungry');
      const exited = await scene.coordinator.take('trainer-exited');
      expect(exited).toMatchObject({ signal: 'SIGKILL', outOfMemory: true });
      const other = await launch('good');
      await scene.coordinator.take('trainer-message');
      process.kill(other, 'SIGKILL');
      expect(await scene.coordinator.take('trainer-exited')).toMatchObject({ outOfMemory: false });
      agent.kill('SIGKILL');
      await untilGone(agent.pid ?? 0);
    },
  );
});

describe('a trainer that is stopped', () => {
  it('is told and killed', async () => {
    const { pid } = await scene.startWithTrainer('good');
    process.kill(pid, 'SIGSTOP');
    const silent = await scene.coordinator.take('trainer-silent');
    expect(silent.trainer).toBe('good-1');
    expect(silent.seconds).toBeGreaterThan(1);
    expect(await scene.coordinator.take('trainer-exited')).toMatchObject({ signal: 'SIGKILL' });
    expect(isAlive(pid)).toBe(false);
  });
});

describe('nobody is taken for stopped', () => {
  it('who computes without a pause', async () => {
    void scene.start();
    await scene.coordinator.take('register');
    await scene.launch('busy');
    await scene.coordinator.take('trainer-message', ({ message }) => message.type === 'ready');
    await scene.coordinator.tell('worker-1', {
      type: 'trainer-command',
      trainer: 'busy-1',
      command: { type: 'prepare', generation: 1, rank: 0, size: 1, planned: false },
    });
    await scene.coordinator.take('trainer-message', ({ message }) => message.type === 'prepared');
    expect(scene.coordinator.heard.map(({ type }) => type)).not.toContain('trainer-silent');
  });

  it('while the machine was suspended', async () => {
    const agent = fork(program('agent'), [scene.coordinator.endpoint], { stdio: 'ignore' });
    await scene.coordinator.take('register');
    await scene.coordinator.tell('victim', { type: 'launch', launch: launchOf('good') });
    const { pid } = await scene.coordinator.take('trainer-started');
    await scene.coordinator.take('trainer-message');
    const both = [agent.pid ?? 0, pid];
    for (const each of both) process.kill(each, 'SIGSTOP');
    await sleep(LONG_MS);
    for (const each of both) process.kill(each, 'SIGCONT');
    await scene.coordinator.heartbeats(8);
    expect(scene.coordinator.heard.map(({ type }) => type)).not.toContain('trainer-silent');
    expect(isAlive(pid)).toBe(true);
    agent.kill('SIGKILL');
    await untilGone(pid);
  });
});

describe('a worker that was stopped', () => {
  it('registers again with its trainers, and ends those that are not wanted', async () => {
    const agent = fork(program('agent'), [scene.coordinator.endpoint], { stdio: 'ignore' });
    await scene.coordinator.take('register');
    await scene.coordinator.tell('victim', { type: 'launch', launch: launchOf('good') });
    const { pid } = await scene.coordinator.take('trainer-started');
    agent.kill('SIGSTOP');
    await sleep(scene.coordinator.leaseMs + 100);
    scene.coordinator.known = false;
    agent.kill('SIGCONT');
    const { trainers } = await scene.coordinator.take('register');
    expect(trainers).toMatchObject([{ trainer: 'good-1', pid }]);
    scene.coordinator.known = true;
    await scene.coordinator.tell('victim', { type: 'end-trainer', trainer: 'good-1' });
    await scene.coordinator.take('trainer-exited');
    expect(isAlive(pid)).toBe(false);
    agent.kill('SIGKILL');
  });
});
