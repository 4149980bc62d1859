// node test/bench/dist/data/extremes.process.js: prepares texts of extreme shapes, each at three lengths that double, and
// prints the processor seconds that each took, to see that they grow as the text does.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomKey, RandomStream } from '@ringmaster/base';
import { BlobStore, prepareData } from '@ringmaster/data';
import { spelling } from './corpus.js';

const COMMON_WORDS = 30_000;
const stream = new RandomStream(randomKey(0, 'extremes'));
const words = (first: number, count: number): string[] =>
  Array.from({ length: count }, (_, at) =>
    spelling(Math.floor(COMMON_WORDS ** stream.uniform(first + at)) - 1),
  );
const rows = (texts: readonly string[]) =>
  texts.map((text) => `${JSON.stringify({ text })}\n`).join('');

interface Shape {
  /** Name of the file, whose extension says how it is read. */
  readonly file: string;
  readonly lengths: readonly [number, number, number];
  readonly content: (length: number) => string;
}

const preamble = words(0, 70).join(' ');

const shapes: Readonly<Record<string, Shape>> = {
  'blanks within a line': {
    file: 'blanks.jsonl',
    lengths: [5e6, 10e6, 20e6],
    content: (length) => rows([`left${' '.repeat(length)}right`, words(0, 500).join(' ')]),
  },
  'words of one line': {
    file: 'line.jsonl',
    lengths: [1e6, 2e6, 4e6],
    content: (length) => rows([words(0, length).join(' ')]),
  },
  'nested elements of HTML': {
    file: 'deep.html',
    lengths: [250_000, 500_000, 1e6],
    content: (length) => '<div>word '.repeat(length) + '</div>'.repeat(length),
  },
  'documents with a preamble of 70 words': {
    file: 'preamble.jsonl',
    lengths: [10_000, 20_000, 40_000],
    content: (length) =>
      rows(Array.from({ length }, (_, at) => `${preamble} ${words(1000 * at, 30).join(' ')}`)),
  },
};

const root = mkdtempSync(join(tmpdir(), 'ringmaster-extremes-'));
try {
  for (const [name, { file, lengths, content }] of Object.entries(shapes)) {
    const seconds: string[] = [];
    for (const length of lengths) {
      const place = join(root, `${file}-${length}`);
      mkdirSync(place);
      writeFileSync(join(place, file), content(length));
      seconds.push((await prepareSeconds(join(place, file), place)).toFixed(2));
      rmSync(place, { recursive: true });
    }
    console.log(`${name}, ${lengths.join(', ')}: ${seconds.join(', ')} s`);
  }
} finally {
  rmSync(root, { recursive: true, force: true });
}

async function prepareSeconds(files: string, place: string): Promise<number> {
  const started = process.cpuUsage();
  await prepareData(
    {
      data: { files, cleaning: ['default', 'spaces'] },
      tokenizer: { algorithm: 'bpe', vocabulary: 1000, lowercase: false },
    },
    { store: new BlobStore(join(place, 'artifacts')), index: join(place, 'data') },
  );
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1e6;
}
