import { fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { taskPlatform } from '@ringmaster/data';
import { ownIdentity, ownMachine } from '@ringmaster/base';
import { isAlive, untilGone } from '@ringmaster/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { launchOf, TestCoordinator } from './coordinator.test.fixture.js';
import { program, Scene } from './scene.test.fixture.js';

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.open();
});
afterEach(() => scene.close());

describe('a worker', () => {
  it('registers with what it has and says goodbye', async () => {
    const ending = scene.start();
    const { host: _, ...registration } = await scene.coordinator.take('register');
    expect(registration).toEqual({
      type: 'register',
      version: '0.1.0',
      token: 'secret',
      machine: ownMachine(),
      ...ownIdentity(),
      slots: 2,
      threads: 4,
      device: 'cpu',
      processor: 'x64',
      memory: expect.objectContaining({ bytes: expect.any(Number) as number }) as object,
      tasks: { processors: availableParallelism(), platform: taskPlatform() },
      trainers: [],
      checkpoints: [],
    });
    scene.abort.abort();
    await scene.coordinator.take('leave');
    expect(await ending).toEqual({ reason: 'closed' });
  });

  it('ends with the error that it is refused with', async () => {
    scene.coordinator.answering = false;
    const ending = scene.start();
    await scene.coordinator.take('register');
    const error = { code: 'UNAUTHORIZED', message: 'no', remedy: 'token', detail: {} };
    await scene.coordinator.tell('worker-1', { type: 'refused', error });
    expect(await ending).toEqual({ reason: 'refused', error });
  });

  it('carries commands to a trainer and its messages and lines back', async () => {
    const ending = scene.start();
    await scene.coordinator.take('register');
    await scene.coordinator.tell('worker-1', { type: 'launch', launch: launchOf('good') });
    const { trainer } = await scene.coordinator.take('trainer-started');
    expect(trainer).toBe('good-1');
    const ready = await scene.coordinator.take('trainer-message');
    expect(ready.message).toMatchObject({ type: 'ready', numerics: { threads: '2' } });
    await scene.coordinator.tell('worker-1', {
      type: 'trainer-command',
      trainer,
      command: { type: 'prepare', generation: 3, rank: 0, size: 1, planned: false },
    });
    const prepared = await scene.coordinator.take('trainer-message');
    expect(prepared.message).toMatchObject({ type: 'prepared', generation: 3 });
    const lines: unknown[] = [];
    while (lines.length < 2) {
      const log = await scene.coordinator.take('log');
      expect(log.job).toBe('good');
      lines.push(...log.lines.map((line): unknown => JSON.parse(line)));
    }
    expect(lines).toContainEqual({ level: 30, msg: 'loading good' });
    expect(lines).toContainEqual(
      expect.objectContaining({ level: 40, msg: 'a line that is not JSON' }),
    );
    await scene.coordinator.tell('worker-1', { type: 'shutdown' });
    expect(await scene.coordinator.take('trainer-exited')).toMatchObject({ signal: 'SIGTERM' });
    await scene.coordinator.take('leave');
    expect(await ending).toEqual({ reason: 'closed' });
  });

  it('tells a trainer whose main thread computes that its generation is over', async () => {
    await scene.startWithTrainer('computing');
    await scene.coordinator.tell('worker-1', {
      type: 'trainer-command',
      trainer: 'computing-1',
      command: { type: 'prepare', generation: 3, rank: 0, size: 1, planned: false },
    });
    const prepared = await scene.coordinator.take('trainer-message');
    expect(prepared.message).toMatchObject({ type: 'prepared', generation: 3 });
  });

  it('gives the process of a trainer that has finished the next run, and of no other', async () => {
    const { pid } = await scene.startWithTrainer('swift', { devices: [{ kind: 'cpu' }] });
    await scene.coordinator.tell('worker-1', {
      type: 'trainer-command',
      trainer: 'swift-1',
      command: { type: 'prepare', generation: 3, rank: 0, size: 1, planned: false },
    });
    await scene.coordinator.take('trainer-message', ({ message }) => message.type === 'prepared');
    await scene.coordinator.take('trainer-message', ({ message }) => message.type === 'finished');
    await scene.coordinator.tell('worker-1', { type: 'end-trainer', trainer: 'swift-1' });
    const exited = await scene.coordinator.take('trainer-exited');
    expect(exited).toMatchObject({ trainer: 'swift-1', code: 0, signal: null, outOfMemory: false });
    expect(exited.lastLines).toContain('{"level":30,"msg":"loading swift"}');
    expect(exited.rssBytes).toBeGreaterThan(1e6);

    expect(await scene.launch('computing')).toBe(pid);
    // What a run before has said of its generations ends nothing of this one.
    await scene.coordinator.tell('worker-1', {
      type: 'trainer-command',
      trainer: 'computing-1',
      command: { type: 'prepare', generation: 1, rank: 0, size: 1, planned: false },
    });
    await scene.coordinator.take('trainer-message', ({ message }) => message.type === 'prepared');
    await scene.coordinator.tell('worker-1', { type: 'end-trainer', trainer: 'computing-1' });
    const ended = await scene.coordinator.take('trainer-exited');
    expect(ended).toMatchObject({ trainer: 'computing-1', signal: 'SIGTERM' });
    expect(ended.lastLines).not.toContain('{"level":30,"msg":"loading swift"}');
    expect(await scene.launch('good')).not.toBe(pid);
  });

  it('reports the signal and the last lines of a trainer that dies', async () => {
    await scene.startWithTrainer('good');
    await scene.coordinator.tell('worker-1', {
      type: 'trainer-command',
      trainer: 'good-1',
      command: {
        type: 'start',
        generation: 1,
        begin: { at: 'specification' },
        seats: [{ endpoint: 'tcp://127.0.0.1:1', donor: '', worker: 'w' }],
        shares: [[0]],
        firstShares: [[0]],
        deadlineMs: 1000,
      },
    });
    const exited = await scene.coordinator.take('trainer-exited');
    expect(exited).toMatchObject({ trainer: 'good-1', code: null, signal: 'SIGABRT' });
    expect(exited.lastLines.at(-1)).toBe('about to die');
  });

  it('reports a trainer that cannot be started', async () => {
    void scene.start({ program: '/nonexistent/trainer.js' });
    await scene.coordinator.take('register');
    await scene.coordinator.tell('worker-1', { type: 'launch', launch: launchOf('good') });
    const exited = await scene.coordinator.take('trainer-exited');
    expect(exited.code).toBe(1);
    expect(exited.lastLines.join('\n')).toContain('Cannot find module');
  });

  it('ends a trainer that sends what no trainer sends, and says so', async () => {
    void scene.start();
    await scene.coordinator.take('register');
    await scene.coordinator.tell('worker-1', { type: 'launch', launch: launchOf('talkative') });
    const exited = await scene.coordinator.take('trainer-exited');
    expect(exited.lastLines.at(-1)).toContain('invalid message');
  });

  it('kills a trainer that does not heed SIGTERM', async () => {
    const { pid } = await scene.startWithTrainer('stubborn');
    await scene.coordinator.tell('worker-1', { type: 'end-trainer', trainer: 'stubborn-1' });
    expect(await scene.coordinator.take('trainer-exited')).toMatchObject({ signal: 'SIGKILL' });
    expect(isAlive(pid)).toBe(false);
  });

  it('registers again with its trainers after silence, and repeats what was not heard', async () => {
    const { pid } = await scene.startWithTrainer('good');
    scene.coordinator.answering = false;
    process.kill(pid, 'SIGKILL');
    const first = await scene.coordinator.take('trainer-exited');
    await scene.coordinator.tell('worker-1', { type: 'launch', launch: launchOf('other') });
    const { pid: other } = await scene.coordinator.take('trainer-started');
    await scene.coordinator.take('register');
    scene.coordinator.answering = true;
    const again = await scene.coordinator.take('register', ({ trainers }) => trainers.length > 0);
    expect(again.trainers).toEqual([{ trainer: 'other-1', job: 'other', pid: other }]);
    expect(await scene.coordinator.take('trainer-exited')).toEqual(first);
  });

  it('finds a coordinator that comes back elsewhere', async () => {
    const { pid } = await scene.startWithTrainer('good');
    scene.coordinator.close();
    scene.coordinator = await TestCoordinator.open();
    expect((await scene.coordinator.take('register')).trainers).toMatchObject([{ pid }]);
  });

  it('registers again when the coordinator does not know it', async () => {
    await scene.startWithTrainer('good');
    await scene.coordinator.tell('worker-1', { type: 'heard', known: false });
    expect((await scene.coordinator.take('register')).trainers).toHaveLength(1);
  });

  it('ends with its trainers when no coordinator comes back', async () => {
    const { ending, pid } = await scene.startWithTrainer('good', { orphanTimeoutMs: 1000 });
    scene.coordinator.close();
    expect(await ending).toMatchObject({ reason: 'orphaned' });
    expect(isAlive(pid)).toBe(false);
  });

  it('is no orphan while the process of a silent coordinator exists', async () => {
    let looks = 0;
    const { ending } = await scene.startWithTrainer('good', {
      orphanTimeoutMs: 400,
      coordinatorExists: () => ++looks < 4,
    });
    scene.coordinator.answering = false;
    expect(await ending).toMatchObject({ reason: 'orphaned' });
    expect(looks).toBe(4);
  });

  it('takes its trainers with it when it is killed', async () => {
    const agent = fork(program('agent'), [scene.coordinator.endpoint], { stdio: 'ignore' });
    await scene.coordinator.take('register');
    await scene.coordinator.tell('victim', { type: 'launch', launch: launchOf('good') });
    const { pid } = await scene.coordinator.take('trainer-started');
    await scene.coordinator.take('trainer-message');
    agent.kill('SIGKILL');
    await once(agent, 'exit');
    await untilGone(pid);
  });
});
