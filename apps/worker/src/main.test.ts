import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ownIdentity } from '@ringmaster/base';
import { isAlive } from '@ringmaster/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { launchOf, TestCoordinator } from './agent/coordinator.test.fixture.js';

const MAIN = fileURLToPath(new URL('main.js', import.meta.url));

/** Heartbeats in which a trainer that gives no sign of life is found: two seconds of silence, and two looks. */
const SILENCE = 26;

/** Signals this far apart are two requests. */
const INSISTING_MS = 1100;

let home: string;
let coordinator: TestCoordinator;
let worker: ChildProcess;

/** A worker as it is started in earnest, with a trainer that cannot load what it is to train. */
async function start(...options: string[]): Promise<number> {
  return startAs([], ...options);
}

/** @param prefix The command that starts it, if it is not started by itself. */
async function startAs(prefix: readonly string[], ...options: string[]): Promise<number> {
  const args = ['--home', home, '--name', 'worker-1'];
  const [command = '', ...rest] = [...prefix, process.execPath, MAIN, ...args, ...options];
  worker = spawn(command, rest, { stdio: 'ignore' });
  await coordinator.take('register');
  await coordinator.tell('worker-1', { type: 'launch', launch: launchOf('good') });
  const { pid } = await coordinator.take('trainer-started');
  await coordinator.take('trainer-message', ({ message }) => message.type === 'failed');
  return pid;
}

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'ringmaster-'));
  coordinator = await TestCoordinator.open();
  const file = { cluster: 'test', ...ownIdentity(), url: '', control: coordinator.endpoint };
  await writeFile(join(home, 'coordinator.json'), JSON.stringify(file));
});

afterEach(async () => {
  worker.kill('SIGKILL');
  coordinator.close();
  await rm(home, { recursive: true, force: true });
});

describe('a worker', () => {
  it('finds that its trainer lives, and leaves in order at the first signal', async () => {
    const pid = await start();
    await coordinator.heartbeats(SILENCE);
    expect(coordinator.heard.map(({ type }) => type)).not.toContain('trainer-silent');
    worker.kill('SIGTERM');
    await coordinator.take('leaving');
    expect(isAlive(pid)).toBe(true);
    await coordinator.tell('worker-1', { type: 'end-trainer', trainer: 'good-1' });
    await coordinator.take('leave');
    expect(await once(worker, 'exit')).toEqual([0, null]);
  });

  it('goes on with its trainer when a signal comes that asks for nothing', async () => {
    const trainer = await start();
    for (const signal of ['SIGUSR1', 'SIGUSR2'] as const)
      for (const pid of [trainer, coordinator.registration.pid]) process.kill(pid, signal);
    await coordinator.heartbeats(2);
    expect([trainer, coordinator.registration.pid].map(isAlive)).toEqual([true, true]);
    const heard = coordinator.heard.map(({ type }) => type);
    for (const end of ['leaving', 'trainer-gone']) expect(heard).not.toContain(end);
  });

  it('leaves in order when its terminal is closed', async () => {
    const pid = await start();
    worker.kill('SIGHUP');
    await coordinator.take('leaving');
    expect(isAlive(pid)).toBe(true);
    await coordinator.tell('worker-1', { type: 'end-trainer', trainer: 'good-1' });
    expect(await once(worker, 'exit')).toEqual([0, null]);
  });

  it.each([
    ['by nohup', ['bash', '-c', 'nohup "$@"; exit', 'bash']],
    ['by a script that ignores it', ['bash', '-c', `trap '' HUP; "$@"; exit`, 'bash']],
    [
      'by a script under nohup',
      ['bash', '-c', 'nohup bash -c \'"$@"; exit\' bash "$@"; exit', 'bash'],
    ],
  ])('outlives its terminal where it was started so, %s', async (_, prefix) => {
    await startAs(prefix);
    const { pid } = coordinator.registration;
    process.kill(pid, 'SIGHUP');
    await coordinator.heartbeats(3);
    expect(isAlive(pid)).toBe(true);
    expect(coordinator.heard.map(({ type }) => type)).not.toContain('leaving');
    process.kill(pid, 'SIGTERM');
    await coordinator.take('leaving');
    await sleep(INSISTING_MS);
    process.kill(pid, 'SIGINT');
    await once(worker, 'exit');
  });

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'leaves in order when %s comes twice within a second, and SIGHUP and SIGTERM after it',
    async (signal) => {
      const pid = await start();
      worker.kill(signal);
      await coordinator.take('leaving');
      worker.kill(signal);
      await sleep(INSISTING_MS);
      worker.kill('SIGHUP');
      worker.kill('SIGTERM');
      await coordinator.heartbeats(2);
      expect(isAlive(pid)).toBe(true);
      expect(coordinator.heard.map(({ type }) => type)).not.toContain('leave');
      await coordinator.tell('worker-1', { type: 'end-trainer', trainer: 'good-1' });
      await coordinator.take('leave');
      expect(await once(worker, 'exit')).toEqual([0, null]);
    },
  );

  it('leaves in order once the file is there that it was told to look for', async () => {
    const notice = join(home, 'notice');
    const pid = await start('--leave-file', notice);
    expect(coordinator.heard.map(({ type }) => type)).not.toContain('leaving');
    await writeFile(notice, '');
    await coordinator.take('leaving');
    expect(isAlive(pid)).toBe(true);
    await coordinator.tell('worker-1', { type: 'end-trainer', trainer: 'good-1' });
    expect(await once(worker, 'exit')).toEqual([0, null]);
  });

  it('leaves at once when it is asked again', async () => {
    const pid = await start();
    worker.kill('SIGINT');
    await coordinator.take('leaving');
    await sleep(INSISTING_MS);
    worker.kill('SIGINT');
    expect(await once(worker, 'exit')).toEqual([0, null]);
    expect(isAlive(pid)).toBe(false);
  });

  it('leaves when the coordinator takes too long', async () => {
    await start('--leave-timeout', '300ms');
    worker.kill('SIGTERM');
    expect(await once(worker, 'exit')).toEqual([0, null]);
  });
});
