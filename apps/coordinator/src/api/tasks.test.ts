import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { borrowTask } from '@ringmaster/data';
import { sha256 } from '@ringmaster/protocol';
import { eventually } from '@ringmaster/testing';
import { describe, expect, it } from 'vitest';
import type { FakeWorker } from '../fixtures/fake-worker.test.fixture.js';
import { pretrainSpec } from '../fixtures/job-files.test.fixture.js';
import { inScene, type Scene } from '../fixtures/scene.test.fixture.js';

const onWorkers = ['--prepare-on', 'workers'];

/** The lease of this number that a worker was told of, from 0. */
const leaseOf = (worker: FakeWorker, number: number) =>
  eventually(`lease ${number}`, () => {
    const told = worker.heard.flatMap((message) =>
      message.type === 'lend-task' ? [message.lease] : [],
    );
    return told[number];
  });

async function ask(
  { client }: Scene,
  method: string,
  path: string,
  body: Uint8Array | null = null,
) {
  const response = await fetch(`${client.url}/v1/tasks/${path}`, {
    method,
    headers: { 'content-type': 'application/octet-stream' },
    body: body === null ? null : Buffer.from(body),
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  return { status: response.status, bytes, code: codeIn(bytes) };
}

function codeIn(bytes: Buffer): unknown {
  try {
    return (JSON.parse(bytes.toString()) as { code?: unknown }).code;
  } catch {
    return undefined;
  }
}

const isPrepared = (scene: Scene, id: string) =>
  scene.until(id, 'prepared', ({ state }) => state !== 'preparing' && state !== 'queued');

describe('a lease of a task', () => {
  it('lends what the task reads, and takes nothing for its answer that is none', () =>
    inScene(async (scene, files) => {
      const worker = await scene.join({ doesTasks: true });
      const job = await scene.submit(pretrainSpec(files));
      const lease = await leaseOf(worker, 0);
      const task = await ask(scene, 'GET', lease);
      const { preparers } = await scene.job(job.id);
      expect(preparers).toContainEqual({ by: worker.id, doing: 1, done: 0 });
      const { inputs } = borrowTask(task.bytes);
      expect(inputs.length).toBeGreaterThan(0);
      for (const { sha256: hash, bytes } of inputs) {
        const input = await ask(scene, 'GET', `${lease}/inputs/${hash}`);
        expect([sha256(input.bytes), input.bytes.length]).toEqual([hash, bytes]);
      }
      const other = 'ab'.repeat(32);
      expect(await ask(scene, 'GET', `${lease}/inputs/${other}`)).toMatchObject({
        status: 404,
        code: 'BLOB_MISSING',
      });
      expect(await ask(scene, 'PUT', `${lease}/parts/${other}`, Buffer.from('x'))).toMatchObject({
        status: 422,
        code: 'BLOB_HASH_MISMATCH',
      });
      const part = Buffer.from('a part that no answer names');
      expect((await ask(scene, 'PUT', `${lease}/parts/${sha256(part)}`, part)).status).toBe(204);
      expect((await ask(scene, 'PUT', `${lease}/answer`, Buffer.from('none'))).status).toBe(204);
      for (const [method, path] of [
        ['GET', lease],
        ['GET', `${lease}/inputs/${inputs[0]?.sha256 ?? ''}`],
        ['PUT', `${lease}/parts/${sha256(part)}`],
        ['PUT', `${lease}/answer`],
        ['GET', 'unknown'],
      ] as const)
        expect(await ask(scene, method, path, method === 'PUT' ? part : null)).toMatchObject({
          status: 410,
          code: 'TASK_WITHDRAWN',
        });
      // What it has not done is done here, and it is lent nothing for a while.
      const prepared = await isPrepared(scene, job.id);
      expect(prepared.preparers).toEqual([]);
      const metrics = await (await scene.client.request('GET', '/metrics')).text();
      expect(metrics).toMatch(/preparation_tasks_total\{by="coordinator"\} [1-9]/);
      expect(metrics).not.toContain('by="workers"');
    }, onWorkers));

  it('ends with what is wanted, with its worker and with a refusal', () =>
    inScene(async (scene, files) => {
      const worker = await scene.join({ doesTasks: true });
      const job = await scene.submit(pretrainSpec(files));
      const first = await leaseOf(worker, 0);
      await scene.client.json('POST', `/v1/jobs/${job.id}/pause`);
      await eventually('it is withdrawn', () =>
        worker.heard.find((message) => message.type === 'withdraw-task' && message.lease === first),
      );
      expect((await ask(scene, 'GET', first)).status).toBe(410);
      await scene.client.json('POST', `/v1/jobs/${job.id}/resume`);
      const second = await leaseOf(worker, 1);
      worker.vanish();
      const heir = await scene.join({ doesTasks: true });
      const third = await leaseOf(heir, 0);
      expect((await ask(scene, 'GET', second)).status).toBe(410);
      const tasks = join(scene.home, 'artifacts', 'tasks');
      expect(readdirSync(tasks)).toHaveLength(1);
      heir.send({ type: 'task-failed', lease: third, reason: 'a test said so' });
      await isPrepared(scene, job.id);
      expect(readdirSync(tasks)).toEqual([]);
    }, onWorkers));

  it('is for nobody who wants to leave', () =>
    inScene(async (scene, files) => {
      const [leaver, stayer] = [
        await scene.join({ doesTasks: true }),
        await scene.join({ doesTasks: true }),
      ];
      leaver.send({ type: 'leaving' });
      await eventually('it leaves', async () => {
        const views = await scene.client.json<{ id: string; state: string }[]>(
          'GET',
          '/v1/workers',
        );
        return views.some(({ id, state }) => id === leaver.id && state === 'leaving');
      });
      await scene.submit(pretrainSpec(files));
      const lease = await leaseOf(stayer, 0);
      stayer.send({ type: 'leaving' });
      await eventually('it has given it back', async () => {
        return (await ask(scene, 'GET', lease)).status === 410;
      });
      expect(leaver.heard.some(({ type }) => type === 'lend-task')).toBe(false);
    }, onWorkers));
});
