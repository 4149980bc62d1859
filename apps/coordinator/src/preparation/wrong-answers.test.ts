import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PreparedDataView, WorkerView } from '@ringmaster/protocol';
import { eventually } from '@ringmaster/testing';
import { expect, it } from 'vitest';
import { pretrainSpec } from '../fixtures/job-files.test.fixture.js';
import { inScene, type Scene } from '../fixtures/scene.test.fixture.js';
import {
  doTasks,
  withBrokenParts,
  withOtherCount,
  type Change,
} from '../fixtures/task-worker.test.fixture.js';

const SOURCES = 24;
const WORDS = 'red green blue white black large small old new fast slow deep high low'.split(' ');

/** A mixture, whose sources are tasks each. */
async function mixture(directory: string): Promise<unknown> {
  const line = (number: number) =>
    Array.from({ length: 20 }, (_, at) => WORDS[(number * 7 + at * at * 3 + at * number) % 14]);
  const sources = await Promise.all(
    Array.from({ length: SOURCES }, async (_, source) => {
      const files = join(directory, `source-${source}.txt`);
      const lines = Array.from({ length: 10 }, (_line, at) =>
        [...line(source * 31 + at), source, at].join(' '),
      );
      await writeFile(files, lines.join('\n'));
      return { name: `s${source}`, files, format: 'lines', weight: 1 };
    }),
  );
  return pretrainSpec('', { data: { sources, test: 0.2 } });
}

/** Submits a job. @returns the id of its data, once they are prepared */
async function prepared(scene: Scene, spec: unknown): Promise<string> {
  const { id } = await scene.submit(spec);
  return eventually('data', async () => {
    expect((await scene.job(id)).error).toBeNull();
    const [data] = await scene.client.json<PreparedDataView[]>('GET', '/v1/data');
    return data?.id;
  });
}

it('answers of a worker that computes other bytes are found and done again, and it is quarantined', async () => {
  let expected = '';
  await inScene(async (scene) => {
    expected = await prepared(scene, await mixture(scene.home));
  });
  await inScene(
    async (scene) => {
      const worker = await scene.join({ doesTasks: true });
      const over = new AbortController();
      const work = doTasks(worker, join(scene.home, 'worker'), withOtherCount, over.signal);
      expect(await prepared(scene, await mixture(scene.home))).toBe(expected);
      over.abort();
      await work;
      const [view] = await scene.client.json<WorkerView[]>('GET', '/v1/workers');
      expect(view?.state).toBe('quarantined');
      expect(await scene.incidents()).toEqual([
        expect.stringMatching(
          /^Worker w-\w+ on test is quarantined: its answer to a task of the data preparation of job j-\w+ \(\w+\) differs/,
        ),
      ]);
    },
    ['--prepare-on', 'workers'],
  );
}, 120_000);

it(
  'of answers that are not to be believed and cannot be removed, the preparation fails and is not taken up',
  () =>
    inScene(
      async (scene) => {
        const worker = await scene.join({ doesTasks: true });
        const tasks = join(scene.home, 'artifacts', 'tasks');
        const over = new AbortController();
        const lie: Change = (file) => {
          for (const key of readdirSync(tasks)) {
            const directory = join(tasks, key);
            mkdirSync(join(directory, 'senders', worker.id), { recursive: true });
            writeFileSync(join(directory, 'senders', worker.id, 'stuck'), '');
            // A directory is not removed where a file is meant.
            mkdirSync(join(directory, 'answers', 'stuck'), { recursive: true });
          }
          return withOtherCount(file);
        };
        const work = doTasks(worker, join(scene.home, 'worker'), lie, over.signal);
        const { id } = await scene.submit(await mixture(scene.home));
        const { error } = await scene.until(id, 'failed', ({ state }) => state === 'failed');
        expect(error).toMatchObject({
          code: 'PREPARATION_DIED',
          message: expect.stringMatching(/not to be believed cannot be removed/) as string,
        });
        over.abort();
        await work;
        await eventually('nothing is left', () => readdirSync(tasks).length === 0);
      },
      ['--prepare-on', 'workers'],
    ),
  120_000,
);

it('what cannot be made of the answers of workers is made without them', async () => {
  let expected = '';
  await inScene(async (scene, files) => {
    expected = await prepared(scene, pretrainSpec(files));
  });
  await inScene(
    async (scene, files) => {
      const worker = await scene.join({ doesTasks: true });
      const over = new AbortController();
      const work = doTasks(worker, join(scene.home, 'worker'), withBrokenParts, over.signal);
      expect(await prepared(scene, pretrainSpec(files))).toBe(expected);
      over.abort();
      await work;
    },
    ['--prepare-on', 'workers'],
  );
}, 120_000);
