import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '@ringmaster/protocol';
import { temporaryDirectory } from '@ringmaster/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { BlobStore } from '../blobs/blob-store.js';
import { prepareData } from '../prepare/prepare.js';
import type { CleanAnswer } from './clean.js';
import type { CountAnswer } from './count.js';
import { encodeFault, type EncodeAnswer } from './encode.js';
import { answerFault, doTask, type Task, type TaskName } from './tasks.js';

const directory = temporaryDirectory();
const parts = join(directory, 'parts');
const partPath = (hash: string) => join(parts, hash);

/** A task of each name, and its answer. */
const done = new Map<TaskName, { readonly task: Task; readonly answer: unknown }>();

beforeAll(async () => {
  await mkdir(parts);
  const files = join(directory, 'text.txt');
  const lines = Array.from(
    { length: 30 },
    (_, at) => `line ${at} of ${at * at} words, or ${at % 7}`,
  );
  await writeFile(files, lines.join('\n'));
  await prepareData(
    {
      data: { files, format: 'lines', test: 0.2 },
      tokenizer: { algorithm: 'bpe', vocabulary: 300, lowercase: true },
    },
    {
      store: new BlobStore(join(directory, 'blobs')),
      index: join(directory, 'index'),
      leases: {
        ahead: 1,
        async take(task) {
          done.set(task.name, { task, answer: await doTask(task) });
          if ('parts' in task.request)
            for (const name of await readdir(task.request.parts))
              await copyFile(join(task.request.parts, name), partPath(name));
          return { giveBack: () => undefined };
        },
      },
    },
  );
});

function faultOf(name: TaskName, change: (answer: never) => object): string | null {
  const known = done.get(name);
  if (known === undefined) throw new Error(`there was no task ${name}`);
  const answer = known.answer as object;
  return answerFault(known.task, { ...answer, ...change(answer as never) }, partPath);
}

const ofTokens = (change: (values: Int32Array) => Int32Array) => (answer: EncodeAnswer) => ({
  columns: answer.columns.map(({ lengths, values }) => ({
    lengths,
    values: change(values as Int32Array),
  })),
});
const tally = { changed: 0, dropped: 0, examples: [] };

it.each(['clean', 'count', 'encode'] as const)('the answer to %s has no fault', (name) => {
  expect(faultOf(name, () => ({}))).toBeNull();
});

it.each<[TaskName, string, (answer: never) => object, string]>([
  ['clean', 'another shape', () => ({ read: -1 }), 'it has another shape'],
  ['clean', 'fewer documents read than held', () => ({ read: 3 }), 'it has 30 documents of 3'],
  ['clean', 'another step', () => ({ steps: { shuffle: tally } }), 'it tells of a step shuffle'],
  [
    'clean',
    'no parts',
    () => ({ parts: ['ab'.repeat(32)] }),
    `its part ${'ab'.repeat(32)} was not`,
  ],
  ['count', 'another document', () => ({ documents: 1000 }), 'it counts 1000 documents in place'],
  [
    'count',
    'a word without a count',
    ({ counts }: CountAnswer) => ({ counts: counts.subarray(1) }),
    'its words and their counts',
  ],
  [
    'count',
    'a part of a count',
    ({ counts }: CountAnswer) => ({ counts: counts.map(() => 0.5) }),
    'its words and their counts',
  ],
  [
    'count',
    'words beyond their lengths',
    ({ joined }: CountAnswer) => ({ joined: `${joined}a` }),
    'its words and their counts',
  ],
  ['encode', 'no column', () => ({ columns: [] }), 'it has 0 columns in place of 1'],
  [
    'encode',
    'a document less',
    ({ characters }: EncodeAnswer) => ({ characters: characters.subarray(1) }),
    'it has 29 documents in place of 30',
  ],
  [
    'encode',
    'a token less',
    ofTokens((values) => values.subarray(1)),
    'its column text has not the values',
  ],
  [
    'encode',
    'values in place of tokens',
    ofTokens((values) => Float64Array.from(values) as never),
    'its column text has not the values',
  ],
  [
    'encode',
    'a token that is none',
    ofTokens((values) => values.map(() => 1e6)),
    'its column text has tokens that are none',
  ],
])('that to %s with %s has one', (name, _, change, fault) => {
  expect(faultOf(name, change)).toMatch(new RegExp(`^${fault}`));
});

it('a part that cannot be read is one', async () => {
  const [part = ''] = (done.get('clean')?.answer as CleanAnswer).parts;
  const whole = await readFile(partPath(part));
  const others = [
    Buffer.from('no part'),
    whole.subarray(0, 20),
    whole.subarray(0, -1),
    Buffer.from(whole.toString('latin1').replace('"documents":30', '"documents":31'), 'latin1'),
  ];
  for (const bytes of others) {
    const hash = sha256(bytes);
    await writeFile(partPath(hash), bytes);
    expect(faultOf('clean', () => ({ parts: [hash] }))).toBe(`its part ${hash} cannot be read`);
  }
});

describe('the answer to encode conversations', () => {
  const plan = {
    needs: { prompt: 'found', completion: 'found', messages: 'found' },
    names: {},
    areOfEntities: false,
    chat: null,
  } as const;
  /** Two documents of five and three tokens, with these answers. */
  const faultWith = (first: readonly number[], second: readonly number[]) =>
    encodeFault(
      {
        part: { path: '', sha256: '' },
        wanted: Uint8Array.of(1, 0, 2),
        tokenizer: { path: '', sha256: '' },
        plan,
      },
      {
        columns: [
          { lengths: Uint32Array.of(5, 3), values: new Int32Array(8) },
          {
            lengths: Uint32Array.of(first.length, second.length),
            values: Int32Array.of(...first, ...second),
          },
        ],
        characters: new Uint32Array(2),
        bytes: 0,
        unknown: { tokens: 0, count: 0, example: null },
        frequencies: new Float64Array(4),
      },
    );

  it.each([
    [
      [0, 4],
      [0, 2],
    ],
    [[0, 1, 1, 4], []],
    [[], [1, 2]],
  ])('may have the spans %j and %j', (first, second) => {
    expect(faultWith(first, second)).toBeNull();
  });

  it.each([
    ['an odd number of places', [0, 1, 2], [2]],
    ['a descending pair', [3, 2], []],
    ['pairs that overlap', [0, 2, 1, 3], []],
    ['a place beyond its tokens', [0, 4], [0, 3]],
    ['a place before them', [-1, 2], []],
  ])('has no %s', (_, first, second) => {
    expect(faultWith(first, second)).toContain('spans that are none');
  });
});
