import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from '@ringmaster/testing';
import { randomKey, RandomStream } from '@ringmaster/base';
import { beforeAll, describe, expect, it } from 'vitest';
import { BlobStore } from '../blobs/blob-store.js';
import { prepareData } from './prepare.js';
import type { PrepareRequest } from './request.js';
import { inTaskDirectory, removeOldTasks, removeUnclaimedTasks } from './task-directory.js';

const directory = temporaryDirectory();

const stream = new RandomStream(randomKey(1, 'words'));
const words = 'red green blue white black large small old new fast slow deep high low'.split(' ');
const SOURCES = 5;
/** Each source is a chunk of its own. */
const sources = Array.from({ length: SOURCES }, (_, source) => {
  const files = join(directory, `${source}.txt`);
  const lines = Array.from({ length: 20 + source }, (_line, line) =>
    [
      ...Array.from(
        { length: 25 },
        (_word, at) => words[stream.integer(at + 100 * (line + 50 * source), 14)],
      ),
      source,
      line,
    ].join(' '),
  );
  writeFileSync(files, lines.join('\n'));
  return { name: `s${source}`, files, format: 'lines' as const, weight: 1 };
});
const request: PrepareRequest = {
  data: { sources, test: 0.2 },
  tokenizer: { algorithm: 'bpe', vocabulary: 300, lowercase: true },
};
const THREADS = 2;

let places = 0;
function freshPlace(): { store: BlobStore; index: string } {
  const root = join(directory, `place-${places++}`);
  return { store: new BlobStore(join(root, 'blobs')), index: join(root, 'index') };
}

const module = (name: string) => JSON.stringify(fileURLToPath(new URL(name, import.meta.url)));
const script = join(directory, 'killed.mjs');
// It notes each task that is begun, and dies in the place of the one after those that it may begin.
writeFileSync(
  script,
  `import { appendFileSync } from 'node:fs';
   import { BlobStore } from ${module('../blobs/blob-store.js')};
   import { OwnLeases } from ${module('../tasks/leases.js')};
   import { prepareData } from ${module('./prepare.js')};
   const [root, index, log, most, request] = process.argv.slice(2);
   const own = new OwnLeases(${THREADS});
   let begun = 0;
   const take = async () => {
     const lease = await own.take();
     if (begun++ === Number(most)) process.kill(process.pid, 'SIGKILL');
     appendFileSync(log, 'task\\n');
     return lease;
   };
   const leases = { ahead: own.ahead, take };
   await prepareData(JSON.parse(request), { store: new BlobStore(root), index, leases });`,
);

/** Prepares in a process that is killed in place of a task. @returns how many tasks it had begun */
async function killed(
  { store, index }: ReturnType<typeof freshPlace>,
  most: number,
): Promise<number> {
  const log = join(directory, `log-${places++}`);
  writeFileSync(log, '');
  const child = fork(script, [store.root, index, log, String(most), JSON.stringify(request)]);
  const [, signal] = (await once(child, 'exit')) as [unknown, string | null];
  expect(signal).toBe('SIGKILL');
  return readFileSync(log, 'utf8').split('task').length - 1;
}

/** Prepares to the end. @returns what there is then, and how many tasks it took */
async function whole({ store, index }: ReturnType<typeof freshPlace>) {
  let tasks = 0;
  const leases = {
    ahead: 1,
    take: () => {
      tasks++;
      return Promise.resolve({ giveBack: () => undefined });
    },
  };
  const { sha256, report } = await prepareData(request, { store, index, leases });
  return { given: { sha256, report }, tasks };
}

const left = ({ store }: ReturnType<typeof freshPlace>) => readdirSync(join(store.root, 'tasks'));

describe('a preparation that is killed', () => {
  let expected: Awaited<ReturnType<typeof whole>>;
  beforeAll(async () => {
    expected = await whole(freshPlace());
  });

  it('is taken up at the first task without an answer, whenever that was and however often', async () => {
    // Cleaning, counting and encoding of each source, and encoding of parts of passes.
    expect(expected.tasks).toBeGreaterThanOrEqual(3 * SOURCES);
    const place = freshPlace();
    let begun = 0;
    let kills = 0;
    for (const most of [1, 5, 4]) {
      begun += await killed(place, most);
      kills++;
      expect(left(place)).toHaveLength(1);
    }
    const { given, tasks } = await whole(place);
    expect(given).toEqual(expected.given);
    expect(begun + tasks).toBeGreaterThanOrEqual(expected.tasks);
    expect(begun + tasks).toBeLessThanOrEqual(expected.tasks + THREADS * kills);
    expect(left(place)).toEqual([]);
  });

  it('takes nothing that is damaged for an answer', async () => {
    const place = freshPlace();
    await killed(place, 2 * SOURCES);
    const [key = ''] = left(place);
    for (const kind of ['answers', 'parts']) {
      const files = join(place.store.root, 'tasks', key, kind);
      const [first = '', second = ''] = readdirSync(files);
      const content = readFileSync(join(files, first));
      content.writeUInt8(content.readUInt8(100) ^ 1, 100);
      writeFileSync(join(files, first), content);
      writeFileSync(join(files, second), readFileSync(join(files, second)).subarray(0, 50));
    }
    const { given } = await whole(place);
    expect(given).toEqual(expected.given);
  });

  it('leaves nothing for longer than a day after its last answer', async () => {
    const { store } = freshPlace();
    const nextDay = Date.now() + 25 * 3_600_000;
    mkdirSync(join(store.root, 'tasks', 'dead', 'answers'), { recursive: true });
    await inTaskDirectory(store, 'living', async () => {
      await removeOldTasks(store, Date.now());
      expect(readdirSync(join(store.root, 'tasks'))).toEqual(['dead', 'living']);
      await removeOldTasks(store, nextDay);
      expect(readdirSync(join(store.root, 'tasks'))).toEqual(['living']);
    });
  });

  it('is not waited for where nobody can tell whether it lives, such as in a container before this one', async () => {
    const { store } = freshPlace();
    const claims = join(store.root, 'tasks', 'key', 'claims');
    mkdirSync(claims, { recursive: true });
    writeFileSync(join(claims, '17-1-4026500000-0123456789abcdef'), '');
    expect(await inTaskDirectory(store, 'key', () => Promise.resolve('begun'))).toBe('begun');
  });

  it('is not taken away from who has it by whoever has ended the one before', async () => {
    const { store } = freshPlace();
    const all = join(store.root, 'tasks');
    await inTaskDirectory(store, 'key', async () => {
      await removeUnclaimedTasks(store, 'key');
      expect(readdirSync(all)).toEqual(['key']);
    });
    mkdirSync(join(all, 'key', 'answers'), { recursive: true });
    await removeUnclaimedTasks(store, 'key');
    expect(readdirSync(all)).toEqual([]);
  });

  it('is waited for while it lives, and is then found', async () => {
    const place = freshPlace();
    const [one, other] = await Promise.all([whole(place), whole(place)]);
    expect(other.given).toEqual(one.given);
    expect(Math.min(one.tasks, other.tasks)).toBe(0);
  });
});
