import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runAgent, type AgentOptions } from './agent.js';
import type { Ending } from './connection.js';
import { launchOf, TestCoordinator } from './coordinator.test.fixture.js';

const fixture = (name: string) =>
  fileURLToPath(new URL(`./${name}.test.fixture.js`, import.meta.url));

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function untilGone(pid: number): Promise<void> {
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
}

let coordinator: TestCoordinator;
let abort: AbortController;
let ended: Promise<Ending> | null;

function start(change: Partial<AgentOptions> = {}): Promise<Ending> {
  ended = runAgent({
    name: 'worker-1',
    version: '0.1.0',
    endpoint: () => coordinator.endpoint,
    token: 'secret',
    keys: null,
    devices: [{ kind: 'cpu' }, { kind: 'cpu' }],
    threads: 4,
    orphanTimeoutMs: 30_000,
    cache: '/nonexistent',
    program: fixture('trainer'),
    log: pino({ level: 'silent' }),
    signal: abort.signal,
    ...change,
  });
  return ended;
}

async function startWithTrainer(job: string, change: Partial<AgentOptions> = {}) {
  const ending = start(change);
  await coordinator.take('register');
  await coordinator.tell('worker-1', { type: 'launch', launch: launchOf(job) });
  const { pid } = await coordinator.take('trainer-started');
  await coordinator.take('trainer-message', ({ message }) => message.type === 'ready');
  return { ending, pid };
}

beforeEach(async () => {
  coordinator = await TestCoordinator.open();
  abort = new AbortController();
  ended = null;
});

afterEach(async () => {
  abort.abort();
  await ended;
  coordinator.close();
});

describe('a worker', () => {
  it('registers with what it has and says goodbye', async () => {
    const ending = start();
    const { host: _, ...registration } = await coordinator.take('register');
    expect(registration).toEqual({
      type: 'register',
      version: '0.1.0',
      token: 'secret',
      pid: process.pid,
      slots: 2,
      threads: 4,
      device: 'cpu',
      trainers: [],
      checkpoints: [],
    });
    abort.abort();
    await coordinator.take('leave');
    expect(await ending).toEqual({ reason: 'closed' });
  });

  it('ends with the error that it is refused with', async () => {
    coordinator.answering = false;
    const ending = start();
    await coordinator.take('register');
    const error = { code: 'UNAUTHORIZED', message: 'no', remedy: 'token', detail: {} };
    await coordinator.tell('worker-1', { type: 'refused', error });
    expect(await ending).toEqual({ reason: 'refused', error });
  });

  it('carries commands to a trainer and its messages and lines back', async () => {
    const ending = start();
    await coordinator.take('register');
    await coordinator.tell('worker-1', { type: 'launch', launch: launchOf('good') });
    const { trainer } = await coordinator.take('trainer-started');
    expect(trainer).toBe('good-1');
    const ready = await coordinator.take('trainer-message');
    expect(ready.message).toMatchObject({ type: 'ready', numerics: { threads: '2' } });
    await coordinator.tell('worker-1', {
      type: 'trainer-command',
      trainer,
      command: { type: 'prepare', generation: 3, rank: 0, size: 1, planned: false },
    });
    const prepared = await coordinator.take('trainer-message');
    expect(prepared.message).toMatchObject({ type: 'prepared', generation: 3 });
    const lines: unknown[] = [];
    while (lines.length < 2) {
      const log = await coordinator.take('log');
      expect(log.job).toBe('good');
      lines.push(...log.lines.map((line): unknown => JSON.parse(line)));
    }
    expect(lines).toContainEqual({ level: 30, msg: 'loading good' });
    expect(lines).toContainEqual(
      expect.objectContaining({ level: 40, msg: 'a line that is not JSON' }),
    );
    await coordinator.tell('worker-1', { type: 'shutdown' });
    expect(await coordinator.take('trainer-exited')).toMatchObject({ signal: 'SIGTERM' });
    await coordinator.take('leave');
    expect(await ending).toEqual({ reason: 'closed' });
  });

  it('reports the signal and the last lines of a trainer that dies', async () => {
    await startWithTrainer('good');
    await coordinator.tell('worker-1', {
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
    const exited = await coordinator.take('trainer-exited');
    expect(exited).toMatchObject({ trainer: 'good-1', code: null, signal: 'SIGABRT' });
    expect(exited.lastLines.at(-1)).toBe('about to die');
  });

  it('reports a trainer that cannot be started', async () => {
    void start({ program: '/nonexistent/trainer.js' });
    await coordinator.take('register');
    await coordinator.tell('worker-1', { type: 'launch', launch: launchOf('good') });
    const exited = await coordinator.take('trainer-exited');
    expect(exited.code).toBe(1);
    expect(exited.lastLines.join('\n')).toContain('Cannot find module');
  });

  it('ends a trainer that sends what no trainer sends, and says so', async () => {
    void start();
    await coordinator.take('register');
    await coordinator.tell('worker-1', { type: 'launch', launch: launchOf('talkative') });
    const exited = await coordinator.take('trainer-exited');
    expect(exited.lastLines.at(-1)).toContain('invalid message');
  });

  it('kills a trainer that does not heed SIGTERM', async () => {
    const { pid } = await startWithTrainer('stubborn');
    await coordinator.tell('worker-1', { type: 'end-trainer', trainer: 'stubborn-1' });
    expect(await coordinator.take('trainer-exited')).toMatchObject({ signal: 'SIGKILL' });
    expect(isAlive(pid)).toBe(false);
  });

  it('registers again with its trainers after silence, and repeats what was not heard', async () => {
    const { pid } = await startWithTrainer('good');
    coordinator.answering = false;
    process.kill(pid, 'SIGKILL');
    const first = await coordinator.take('trainer-exited');
    await coordinator.tell('worker-1', { type: 'launch', launch: launchOf('other') });
    const { pid: other } = await coordinator.take('trainer-started');
    await coordinator.take('register');
    coordinator.answering = true;
    const again = await coordinator.take('register', ({ trainers }) => trainers.length > 0);
    expect(again.trainers).toEqual([{ trainer: 'other-1', job: 'other', pid: other }]);
    expect(await coordinator.take('trainer-exited')).toEqual(first);
  });

  it('finds a coordinator that comes back elsewhere', async () => {
    const { pid } = await startWithTrainer('good');
    coordinator.close();
    coordinator = await TestCoordinator.open();
    expect((await coordinator.take('register')).trainers).toMatchObject([{ pid }]);
  });

  it('registers again when the coordinator does not know it', async () => {
    await startWithTrainer('good');
    await coordinator.tell('worker-1', { type: 'heard', known: false });
    expect((await coordinator.take('register')).trainers).toHaveLength(1);
  });

  it('ends with its trainers when no coordinator comes back', async () => {
    const { ending, pid } = await startWithTrainer('good', { orphanTimeoutMs: 1000 });
    coordinator.close();
    expect(await ending).toMatchObject({ reason: 'orphaned' });
    expect(isAlive(pid)).toBe(false);
  });

  it('takes its trainers with it when it is killed', async () => {
    const agent = fork(fixture('agent'), [coordinator.endpoint], { stdio: 'ignore' });
    await coordinator.take('register');
    await coordinator.tell('victim', { type: 'launch', launch: launchOf('good') });
    const { pid } = await coordinator.take('trainer-started');
    await coordinator.take('trainer-message');
    agent.kill('SIGKILL');
    await once(agent, 'exit');
    await untilGone(pid);
  });
});
