import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { claimedSince } from '@ringmaster/data';
import { parseJobSpec } from '@ringmaster/protocol';
import { eventually, withTemporaryDirectory } from '@ringmaster/testing';
import { describe, expect, it } from 'vitest';
import { BackgroundWork } from '../background-work.js';
import { pretrainSpec, smallCorpus } from '../fixtures/job-files.test.fixture.js';
import { lonePreparations } from '../fixtures/preparations.test.fixture.js';
import { inScene, withScene, type Scene } from '../fixtures/scene.test.fixture.js';
import { mostAtOnce } from './at-once.js';
import type { PreparationNews } from './current.js';

/** Text that takes several tasks of seconds. */
async function largeCorpus(directory: string): Promise<string> {
  const words = Array.from({ length: 5003 }, (_, at) => (at * 7919).toString(36));
  const line = (number: number) =>
    `${words.slice((number * 31) % 4900, ((number * 31) % 4900) + 40).join(' ')} ${number}\n`;
  const path = join(directory, 'large.txt');
  await writeFile(path, Array.from({ length: 80_000 }, (_, at) => line(at)).join(''));
  return path;
}

const lines = (files: string, name: string) =>
  pretrainSpec(files, { name, data: { files, format: 'lines' } });

/** What is kept of preparations that have not come to their end. */
const kept = (home: string) => {
  try {
    return readdirSync(join(home, 'artifacts', 'tasks'));
  } catch {
    return [];
  }
};

const answersIn = (home: string) =>
  kept(home)
    .flatMap((key) => readdirSync(join(home, 'artifacts', 'tasks', key, 'answers')))
    .filter((name) => /^[0-9a-f]{64}$/.test(name));

const isPrepared = (scene: Scene, id: string) =>
  scene.until(
    id,
    'prepared',
    ({ state, progress }) => state === 'queued' && (progress ?? '').startsWith('waits for 1 slot'),
  );

it.each([
  [1e9, 1],
  [4 * 2 ** 30, 2],
  [64e9, 4],
])('of memory of %d bytes, %d are prepared at a time', (memory, most) => {
  expect(mostAtOnce(memory)).toBe(most);
});

it('finds what was prepared before in a process that has found such', () =>
  withTemporaryDirectory(async (home) => {
    const background = new BackgroundWork();
    const preparations = lonePreparations(background);
    const children = () =>
      readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ');
    const request = {
      spec: parseJobSpec(pretrainSpec(await smallCorpus(home))),
      base: null,
      roots: null,
      artifacts: join(home, 'artifacts'),
      index: join(home, 'data'),
    };
    const others = children();
    /** Prepares, and tells what came of it and which processes are left. */
    const prepare = async (job: string) => {
      const news = await new Promise<PreparationNews>((resolve) => {
        preparations.start(job, request, (each) => {
          if (each.type !== 'progress') resolve(each);
        });
      });
      return { news, left: children().filter((pid) => !others.includes(pid)) };
    };
    const fresh = await prepare('first');
    expect(fresh.news).toMatchObject({ type: 'done', stays: false });
    await eventually('ended', () => children().length === others.length);
    const { news, left } = await prepare('second');
    expect(news).toEqual({ ...fresh.news, stays: true });
    expect(left).toHaveLength(1);
    expect(await prepare('third')).toEqual({ news, left });
    expect(claimedSince(request.artifacts)).toBeNull();
    preparations.start('fourth', request, () => undefined);
    preparations.stop('fourth', false);
    await background.close();
    expect(children()).toEqual(others);
  }));

describe('several preparations', () => {
  it('share the processors: a small job is not held up by a large one, whose progress is told', () =>
    inScene(async (scene, small) => {
      const large = await largeCorpus(scene.home);
      const first = await scene.submit(lines(large, 'large'));
      const { preparation } = await scene.until(
        first.id,
        'cleaning',
        (job) => (job.preparation?.bytesPerSecond ?? null) !== null,
      );
      expect(preparation).toMatchObject({ phase: 'read', total: null });
      const { done = 0, total = 0 } = preparation?.bytes ?? {};
      expect(done).toBeGreaterThan(0);
      expect(total).toBeGreaterThan(done);
      expect(preparation?.secondsLeft).toBeGreaterThan(0);
      const metrics = await (await scene.client.request('GET', '/metrics')).text();
      expect(metrics).toContain(
        `ringmaster_job_preparation_bytes{job="${first.id}",phase="read"} ${total}`,
      );

      const same = await scene.submit(lines(large, 'same'));
      const other = await scene.submit(lines(small, 'small'));
      await isPrepared(scene, other.id);
      expect((await scene.job(first.id)).state).toBe('preparing');
      expect(await scene.job(same.id)).toMatchObject({
        state: 'queued',
        progress: 'waits for the preparation of other data',
      });

      await scene.client.json('POST', `/v1/jobs/${first.id}/pause`);
      expect(kept(scene.home)).toHaveLength(1);
      await scene.until(same.id, 'preparing', ({ state }) => state === 'preparing');
      // It goes on where the other has stopped, and so does that again; what is done is of no use once nobody wants it.
      const isCleaning = (id: string) =>
        scene.until(id, 'cleaning', ({ preparation: its }) => (its?.done ?? 0) > 0);
      await isCleaning(same.id);
      const before = answersIn(scene.home);
      await scene.client.json('POST', `/v1/jobs/${same.id}/cancel`);
      await scene.client.json('POST', `/v1/jobs/${first.id}/resume`);
      await isCleaning(first.id);
      expect(answersIn(scene.home)).toEqual(expect.arrayContaining(before));
      await scene.client.json('POST', `/v1/jobs/${first.id}/cancel`);
      await eventually('nothing kept', () => kept(scene.home).length === 0);
    }));

  it('are taken up where they were by the next coordinator', () =>
    withTemporaryDirectory(async (directory) => {
      const home = join(directory, 'cluster');
      const large = await largeCorpus(directory);
      let id = '';
      await withScene(home, async (scene) => {
        ({ id } = await scene.submit(lines(large, 'large')));
        await scene.until(id, 'cleaning', ({ preparation }) => (preparation?.bytes?.done ?? 0) > 0);
      });
      const before = answersIn(home);
      expect(before.length).toBeGreaterThan(0);
      await withScene(home, async (scene) => {
        await scene.until(id, 'cleaning', ({ preparation }) => (preparation?.bytes?.done ?? 0) > 0);
        expect(answersIn(home)).toEqual(expect.arrayContaining(before));
        await scene.client.json('POST', `/v1/jobs/${id}/cancel`);
      });
      expect(kept(home)).toEqual([]);
    }));
});
