import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BlobStore, prepareData, taskDirectory, type PrepareRequest } from '@ringmaster/data';
import { temporaryDirectory } from '@ringmaster/testing';
import { pino } from 'pino';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TaskServer } from './task-server.test.fixture.js';
import { Tasks } from './tasks.js';

const directory = temporaryDirectory();
const program = fileURLToPath(new URL('./tasks.process.js', import.meta.url));
const WORDS = 'red green blue white black large small old new fast slow deep high low'.split(' ');
const SOURCES = 6;

let request: PrepareRequest;
let expected: string;
let places = 0;

/** Prepares at a place of its own. @returns the manifest's SHA-256 */
async function prepare(leases?: TaskServer): Promise<string> {
  const root = join(directory, `place-${places++}`);
  const store = new BlobStore(join(root, 'blobs'));
  const { sha256 } = await prepareData(request, {
    store,
    index: join(root, 'index'),
    ...(leases === undefined ? {} : { leases }),
    onTasks: (key) => {
      if (leases !== undefined) leases.directory = taskDirectory(store.root, key);
    },
  });
  return sha256;
}

beforeAll(async () => {
  const sources = await Promise.all(
    Array.from({ length: SOURCES }, async (_, source) => {
      const files = join(directory, `${source}.txt`);
      const line = (number: number) =>
        Array.from(
          { length: 20 },
          (_word, at) => WORDS[(number * 7 + at * at * 3 + at * number) % 14],
        );
      const lines = Array.from({ length: 12 }, (_line, at) =>
        [...line(source * 31 + at), source, at].join(' '),
      );
      await writeFile(files, lines.join('\n'));
      return { name: `s${source}`, files, format: 'lines' as const, weight: 1 };
    }),
  );
  request = {
    data: { sources, test: 0.2 },
    tokenizer: { algorithm: 'bpe', vocabulary: 300, lowercase: true },
  };
  expected = await prepare();
}, 60_000);

/** Ids of the children of this process that do tasks. */
function taskProcesses(): number[] {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8')
    .trim()
    .split(' ');
  return children
    .map(Number)
    .filter((pid) => pid > 0 && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(program));
}

describe('tasks that a worker is lent', { timeout: 60_000 }, () => {
  let server: TaskServer;
  let tasks: Tasks;
  const failures: string[] = [];
  const cache = join(directory, 'cache');
  beforeEach(async () => {
    failures.length = 0;
    tasks = new Tasks({
      program,
      cache,
      send: ({ lease, reason }) => {
        failures.push(reason);
        server.withdraw(lease);
      },
      log: pino({ enabled: false }),
    });
    server = await TaskServer.open(directory, (lease, location) => {
      tasks.begin(lease, location);
    });
  });
  afterEach(async () => {
    await tasks.end();
    server.close();
  });

  it('are done in a process of its own over TLS, of which nothing is left when it ends', async () => {
    expect(await prepare(server)).toBe(expected);
    expect(failures).toEqual([]);
    expect(server.answers).toBeGreaterThanOrEqual(3 * SOURCES);
    expect(taskProcesses()).toHaveLength(1);
    await tasks.end();
    expect(taskProcesses()).toEqual([]);
    expect(readdirSync(join(cache, 'tasks'))).toEqual([]);
  });

  it('are given back when that process is killed, and another does the next', async () => {
    let begun = 0;
    const killing = await TaskServer.open(directory, (lease, location) => {
      tasks.begin(lease, location);
      if (++begun === 5) for (const pid of taskProcesses()) process.kill(pid, 'SIGKILL');
    });
    server.close();
    server = killing;
    expect(await prepare(server)).toBe(expected);
    expect(failures.length).toBeGreaterThan(0);
    for (const failure of failures) expect(failure).toMatch(/signal SIGKILL/);
    expect(server.answers).toBeGreaterThan(0);
  });

  it('are done by another process when they come while the one that was idle ends', async () => {
    const lone = 'ab'.repeat(32);
    tasks.begin(lone, server.location);
    await expect.poll(() => failures, { timeout: 20_000 }).toEqual(['it was withdrawn']);
    const [before] = taskProcesses();
    const ended = tasks.end();
    tasks.begin(lone, server.location);
    await ended;
    await expect.poll(() => failures, { timeout: 20_000 }).toHaveLength(2);
    expect(failures[1]).toBe('it was withdrawn');
    expect(taskProcesses()).toHaveLength(1);
    expect(taskProcesses()).not.toContain(before);
  });

  it('are not done where another serves than the one that is known, nor after they were withdrawn', async () => {
    const lone = 'ab'.repeat(32);
    tasks.begin(lone, { ...server.location, fingerprint: '0'.repeat(64) });
    await expect.poll(() => failures, { timeout: 20_000 }).toHaveLength(1);
    expect(failures[0]).toMatch(/certificate/);
    tasks.begin(lone, server.location);
    await expect.poll(() => failures, { timeout: 20_000 }).toHaveLength(2);
    expect(failures[1]).toBe('it was withdrawn');
    tasks.begin(lone, server.location);
    tasks.withdrawAll();
    await tasks.end();
    expect(failures).toHaveLength(2);
  });
});
