import { createHash } from 'node:crypto';
import { createReadStream, writeFileSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { randomKey, RandomStream } from '@ringmaster/base';
import { temporaryDirectory } from '@ringmaster/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { BlobStore, hashFile } from '../blobs/blob-store.js';
import { PLAIN } from '../clean/clean.js';
import { prepareData } from '../prepare/prepare.js';
import type { PrepareRequest } from '../prepare/request.js';
import { taskDirectory } from '../prepare/task-directory.js';
import { surveyFile } from '../readers/bytes.js';
import { wantedColumns } from '../readers/columns.js';
import { packAnswer, unpackAnswer, writeAnswer } from './answer-file.js';
import { drawnAudits, type Audits } from './audit.js';
import type { ForeignAnswer, Lease, Leases, TaskPlace } from './leases.js';
import { borrowTask, lendTask } from './lent-task.js';
import { Allowance, keepPart, receiveFile } from './received.js';
import { directoriesWithAnswersOf, removeAnswersOf } from './task-files.js';
import { doTask, taskOf, type Task } from './tasks.js';

const directory = temporaryDirectory();
const WORKER = 'w-1';

const stream = new RandomStream(randomKey(1, 'words'));
const words = 'red green blue white black large small old new fast slow deep high low'.split(' ');
const line = (number: number) =>
  [
    ...Array.from({ length: 25 }, (_, at) => words[stream.integer(at + 100 * number, 14)]),
    number,
  ].join(' ');

const SOURCES = 24;
let request: PrepareRequest;
let expected: string;

let places = 0;
function freshPlace() {
  const root = join(directory, `place-${places++}`);
  return { store: new BlobStore(join(root, 'blobs')), index: join(root, 'index') };
}

beforeAll(async () => {
  const small = await Promise.all(
    Array.from({ length: SOURCES }, async (_, source) => {
      const files = join(directory, `${source}.txt`);
      const lines = Array.from({ length: 12 }, (_line, at) => line(source * 50 + at));
      await writeFile(files, lines.join('\n'));
      return { name: `s${source}`, files, format: 'lines' as const, weight: 1 };
    }),
  );
  request = {
    data: { sources: small, test: 0.2 },
    tokenizer: { algorithm: 'bpe', vocabulary: 300, lowercase: true },
  };
  expected = (await prepareData(request, freshPlace())).sha256;
}, 120_000);

/** What a worker does to the file of an answer before it sends it. */
type Change = (file: Buffer, task: Task) => Buffer;

/** Leases of which a worker has all that may be done anywhere; it sees nothing but inputs, which it is sent by hash. */
class Elsewhere implements Leases {
  readonly ahead = 4;
  readonly verdicts: string[] = [];
  readonly here: Task[] = [];
  readonly #change: Change;
  readonly #sendsParts: boolean;
  readonly #root: string;
  /** Directory of the preparation. */
  directory = '';

  constructor(root: string, change: Change = (file) => file, sendsParts = true) {
    this.#root = root;
    this.#change = change;
    this.#sendsParts = sendsParts;
  }

  async take(task: Task, place: TaskPlace): Promise<Lease | ForeignAnswer> {
    if (place === 'here') {
      this.here.push(task);
      return { giveBack: () => undefined };
    }
    const path = await this.#send(task);
    const judge = (verdict: string) => this.verdicts.push(verdict);
    return {
      worker: WORKER,
      path,
      accept: () => judge('accepted'),
      refuse: (reason) => judge(reason),
      distrust: () => judge('wrong'),
    };
  }

  async #send(task: Task): Promise<string> {
    const lent = await lendTask(task);
    if (lent === null) throw new Error('nobody else can do it');
    const place = join(this.#root, task.key);
    const parts = join(place, 'parts');
    await mkdir(parts, { recursive: true });
    for (const { sha256, path, start, end } of lent.inputs) {
      const input = join(place, sha256);
      await writeFile(input, (await readFile(path)).subarray(start, end));
      expect(await hashFile(input)).toBe(sha256);
    }
    const borrowed = borrowTask(lent.packed).open((sha256) => join(place, sha256), parts);
    const answer = join(place, 'answer');
    writeAnswer(answer, await doTask(borrowed));
    await writeFile(answer, this.#change(await readFile(answer), task));
    const allowance = new Allowance(0);
    if (this.#sendsParts)
      for (const part of await readdir(parts)) {
        const bytes = createReadStream(join(parts, part));
        const received = (await receiveFile(this.directory, bytes, part, allowance)) ?? '';
        expect(await keepPart(this.directory, part, received)).toBe(true);
      }
    return (await receiveFile(this.directory, createReadStream(answer), null, allowance)) ?? '';
  }
}

/** One of sixteen answers. */
const isAudited = ({ key }: Task) => parseInt(key.slice(0, 8), 16) % 16 === 0;

async function prepare(
  leases: Elsewhere,
  wanted: PrepareRequest = request,
  audits: Audits = isAudited,
) {
  const place = freshPlace();
  const { sha256 } = await prepareData(wanted, {
    ...place,
    leases,
    audits,
    onTasks: (key) => {
      leases.directory = taskDirectory(place.store.root, key);
    },
  });
  return sha256;
}

const fresh = () => join(directory, `worker-${places++}`);

/** An answer with another number in it, which may be the one. */
const lie: Change = (file) => {
  const answer = unpackAnswer(file) as Record<string, unknown>;
  const { read, counts, bytes } = answer;
  if (counts instanceof Float64Array)
    return packAnswer({ ...answer, counts: counts.map((count) => count + 1) });
  const other = read === undefined ? { bytes: Number(bytes) + 1 } : { read: Number(read) + 1 };
  return packAnswer({ ...answer, ...other });
};

/** Whole, with another content than is ever written. */
const sealed = (body: Buffer): Buffer =>
  Buffer.concat([createHash('sha256').update(body).digest(), body]);

describe('answers that a worker has sent', () => {
  it('give the same manifest, and few are given here as well', async () => {
    const leases = new Elsewhere(fresh());
    expect(await prepare(leases)).toBe(expected);
    expect(new Set(leases.verdicts)).toEqual(new Set(['accepted']));
    expect(leases.verdicts.length).toBeGreaterThan(3 * SOURCES);
    expect(leases.here.every(isAudited)).toBe(true);
    expect(leases.here.length).toBeGreaterThan(0);
    expect(leases.here.length).toBeLessThan(leases.verdicts.length / 4);
  });

  it('are given here as well whichever are drawn, of which the manifest tells nothing', async () => {
    const leases = new Elsewhere(fresh());
    expect(await prepare(leases, request, drawnAudits())).toBe(expected);
    const blocks = Math.floor(leases.verdicts.length / 16);
    expect([blocks, blocks + 1]).toContain(leases.here.length);
  });

  it('are audited one in sixteen of each worker, of which none knows which it is', () => {
    const task = { key: 'ab'.repeat(32) } as Task;
    const draw = () => {
      const audits = drawnAudits();
      return Array.from({ length: 20 }, () => {
        const block = Array.from({ length: 16 }, () => audits(task, WORKER));
        expect(audits(task, 'another')).toBeTypeOf('boolean');
        expect(block.filter((isAudited) => isAudited)).toHaveLength(1);
        return block.indexOf(true);
      });
    };
    const [one, other] = [draw(), draw()];
    expect(new Set(one).size).toBeGreaterThan(4);
    expect(one).not.toEqual(other);
  });

  it.each<[string, Elsewhere, RegExp]>([
    ['are cut', new Elsewhere(fresh(), (file) => file.subarray(0, -1)), /it is not whole/],
    ['are of another task', new Elsewhere(fresh(), () => packAnswer({ a: 1 })), /another shape/],
    [
      'were never packed',
      new Elsewhere(fresh(), () => sealed(Buffer.alloc(99, 1))),
      /it was never packed/,
    ],
    ['name parts that are not there', new Elsewhere(fresh(), undefined, false), /was not sent/],
  ])('are none where they %s, and those are given here', async (_, leases, reason) => {
    expect(await prepare(leases)).toBe(expected);
    const refused = leases.verdicts.filter((verdict) => verdict !== 'accepted');
    expect(refused.length).toBeGreaterThanOrEqual(SOURCES);
    for (const verdict of refused) expect(verdict).toMatch(reason);
  });

  it('are found to be wrong where they are audited', async () => {
    const leases = new Elsewhere(fresh(), (file, task) =>
      isAudited(task) ? lie(file, task) : file,
    );
    expect(await prepare(leases)).toBe(expected);
    const wrong = leases.verdicts.filter((verdict) => verdict === 'wrong');
    expect(wrong).toHaveLength(leases.here.length);
  });

  it('are not blamed for a file that was changed since', async () => {
    const files = join(directory, 'changing.txt');
    const write = (first: number) =>
      writeFile(files, Array.from({ length: 40 }, (_, at) => line(first + at)).join('\n'));
    /** Changes the file of the first answer, if that is audited. */
    const attempt = async (first: number) => {
      await write(first);
      let isFirst = true;
      const leases = new Elsewhere(fresh(), (file, task) => {
        if (isFirst && isAudited(task)) writeFileSync(files, 'other');
        isFirst = false;
        return file;
      });
      const changing = { ...request, data: { files, format: 'lines' as const } };
      return { leases, ended: await Promise.allSettled([prepare(leases, changing)]) };
    };
    for (let first = 0; ; first++) {
      const { leases, ended } = await attempt(first);
      if (ended[0].status === 'fulfilled') continue;
      expect(ended[0].reason).toMatchObject({ code: 'DATA_FILE_CHANGED' });
      expect(leases.verdicts).toEqual([]);
      return;
    }
  }, 120_000);

  it('can be removed, each, without those of others', async () => {
    const store = { root: join(directory, 'store') };
    const place = join(store.root, 'tasks', 'key');
    await mkdir(join(store.root, 'tasks', 'other'), { recursive: true });
    const sent = join(place, 'senders', WORKER);
    await mkdir(sent, { recursive: true });
    await mkdir(join(place, 'answers'));
    for (const key of ['a', 'b']) await writeFile(join(place, 'answers', key), '');
    await writeFile(join(sent, 'a'), '');
    expect(directoriesWithAnswersOf(store, WORKER)).toEqual([place]);
    await removeAnswersOf(place, WORKER);
    expect(await readdir(join(place, 'answers'))).toEqual(['b']);
    expect(directoriesWithAnswersOf(store, WORKER)).toEqual([]);
    await removeAnswersOf(place, WORKER);
    expect(await readdir(join(place, 'answers'))).toEqual(['b']);
  });
});

describe('a task that was lent', () => {
  it('reads a piece of a file as if it saw all of it', async () => {
    const path = join(directory, 'large.txt');
    const lines = Array.from({ length: 4500 }, (_, at) => `${line(at)} ${'x'.repeat(1000)}`);
    await writeFile(path, lines.join('\r\n'));
    const survey = surveyFile({ path }, true);
    const [, piece] = survey.pieces;
    const file = { name: 'large.txt', path, ...survey };
    const columns = wantedColumns({});
    const parts = async (name: string) => {
      const at = join(directory, name);
      await mkdir(at);
      return at;
    };
    const task = taskOf('clean', {
      chunk: {
        origin: 'main',
        readings: [{ file, piece, format: 'lines', columns }],
        cleaning: PLAIN,
      },
      parts: await parts('own'),
    });
    const lent = await lendTask(task);
    const [input] = lent?.inputs ?? [];
    const copy = join(directory, 'piece');
    await writeFile(copy, (await readFile(path)).subarray(input?.start, input?.end));
    const borrowed = borrowTask(lent?.packed ?? new Uint8Array());
    expect(borrowed.inputs).toEqual([
      { sha256: piece?.sha256, bytes: (await readFile(copy)).length },
    ]);
    expect(lent?.packed.length).toBeLessThan(2000);
    const answer = await doTask(borrowed.open(() => copy, await parts('other')));
    expect(answer).toEqual(await doTask(task));
    expect(answer).toMatchObject({ read: lines.length - ((piece?.line ?? 0) - 1) });
  });

  it('is no other where it is done', async () => {
    const path = join(directory, '0.txt');
    const part = join(directory, 'part');
    await copyFile(path, part);
    const lent = await lendTask({
      key: 'ab'.repeat(32),
      name: 'count',
      request: {
        part: { path: part, sha256: await hashFile(part) },
        isWanted: Uint8Array.of(1, 0, 1),
        tokenizer: { algorithm: 'bpe', vocabulary: 300, lowercase: true },
      },
    });
    const borrowed = borrowTask(lent?.packed ?? new Uint8Array());
    expect(() => borrowed.open(() => part, directory)).toThrow(/would be/);
    expect(() => borrowTask((lent?.packed ?? new Uint8Array()).subarray(1))).toThrow();
  });

  it('leaves nothing where its preparation has ended', async () => {
    const gone = join(directory, 'gone');
    const bytes = () => createReadStream(join(directory, '0.txt'));
    const allowance = new Allowance(0);
    expect(await receiveFile(gone, bytes(), null, allowance)).toBeNull();
    await mkdir(join(gone, 'sent'), { recursive: true });
    const received = (await receiveFile(gone, bytes(), null, allowance)) ?? '';
    expect(await keepPart(gone, 'part', received)).toBe(false);
    await rename(received, join(directory, 'moved'));
    await expect(receiveFile(gone, bytes(), 'ab'.repeat(32), allowance)).rejects.toMatchObject({
      code: 'BLOB_HASH_MISMATCH',
    });
    expect(await readdir(join(gone, 'sent'))).toEqual([]);
  });

  it('takes no more bytes than its task may have, however many files they are in', async () => {
    const place = join(directory, 'full');
    await mkdir(join(place, 'sent'), { recursive: true });
    const MEBIBYTE = 2 ** 20;
    const send = (allowance: Allowance, mebibytes: number) =>
      receiveFile(place, Readable.from([Buffer.alloc(mebibytes * MEBIBYTE)]), null, allowance);
    const small = new Allowance(MEBIBYTE / 16);
    for (const mebibytes of [40, 32]) expect(await send(small, mebibytes)).not.toBeNull();
    const most = `over ${72 * MEBIBYTE} bytes`;
    await expect(send(small, 1)).rejects.toThrow(most);
    await expect(send(small, 0)).rejects.toMatchObject({ code: 'TASK_ANSWER_INVALID' });
    expect(await readdir(join(place, 'sent'))).toHaveLength(2);
    const large = new Allowance(2 ** 40);
    large.take(2 ** 30);
    expect(() => {
      large.take(1);
    }).toThrow(`over ${2 ** 30} bytes`);
  });
});
