import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '@ringmaster/protocol';
import { unshared } from '../text/unshared.js';
import { Heap } from './heap.js';
import { WordList, type WordCount } from './word-list.js';

export interface WordLimits {
  /** Different words that are held while words are counted. What is learned does not depend on it. */
  readonly held: number;
  /** Most different words that a vocabulary is learned from. */
  readonly learned: number;
}

const LIMITS: WordLimits = { held: 131_072, learned: 524_288 };

/** Counts by word, in the order of code units, so that nothing depends on the order of the texts. */
export function* sortedCounts(counts: ReadonlyMap<string, number>): Generator<WordCount> {
  for (const word of [...counts.keys()].sort()) yield [word, counts.get(word) ?? 0];
}

/** How often each word occurs in texts that have any number of different words: few are in memory at a time. */
export class WordCounts {
  readonly #directory: string;
  readonly #limits: WordLimits;
  readonly #counts = new Map<string, number>();
  /** Files of sorted counts. */
  readonly #runs: string[] = [];

  /** @param directory For counts beyond those that are held. */
  constructor(directory: string, limits = LIMITS) {
    this.#directory = directory;
    this.#limits = limits;
  }

  add(word: string, count: number): void {
    const known = this.#counts.get(word);
    if (known !== undefined) {
      this.#counts.set(word, known + count);
      return;
    }
    if (this.#counts.size === this.#limits.held) this.#writeRun();
    this.#counts.set(unshared(word), count);
  }

  /** The words that a vocabulary is learned from (`sampleWords`); none is left here. */
  finish(): WordList {
    const { learned } = this.#limits;
    if (this.#runs.length > 0) {
      this.#writeRun();
      return sampleWords(() => merged(this.#runs.map(readRun)), learned);
    }
    const words = sampleWords(() => sortedCounts(this.#counts), learned);
    this.#counts.clear();
    return words;
  }

  #writeRun(): void {
    const path = join(this.#directory, `words-${this.#runs.length}`);
    const file = openSync(path, 'w');
    try {
      for (const block of inBlocks(sortedCounts(this.#counts))) writeSync(file, block);
    } finally {
      closeSync(file);
    }
    this.#runs.push(path);
    this.#counts.clear();
  }
}

/** Counts as JSON, a line each, in blocks of about 64 KiB. */
function* inBlocks(counts: Iterable<WordCount>): Generator<string> {
  const BLOCK = 65_536;
  let block = '';
  for (const each of counts) {
    block += `${JSON.stringify(each)}\n`;
    if (block.length < BLOCK) continue;
    yield block;
    block = '';
  }
  yield block;
}

const WINDOW = 1024 * 1024;

function* readRun(path: string): Generator<WordCount> {
  const file = openSync(path, 'r');
  try {
    const window = Buffer.alloc(WINDOW);
    let rest: Buffer = Buffer.alloc(0);
    for (let count = readSync(file, window); count > 0; count = readSync(file, window)) {
      const bytes = Buffer.concat([rest, window.subarray(0, count)]);
      const end = bytes.lastIndexOf(0x0a) + 1;
      for (const line of bytes.toString('utf8', 0, end).split('\n'))
        if (line !== '') yield JSON.parse(line) as WordCount;
      rest = bytes.subarray(end);
    }
  } finally {
    closeSync(file);
  }
}

/** One sorted sequence of several, in which each word is once. */
function* merged(runs: readonly Generator<WordCount>[]): Generator<WordCount> {
  interface Head {
    readonly head: WordCount;
    readonly run: number;
  }
  const heap = new Heap<Head>((a, b) =>
    a.head[0] === b.head[0] ? a.run < b.run : a.head[0] < b.head[0],
  );
  const advance = (run: number) => {
    const next = runs[run]?.next();
    if (next !== undefined && next.done !== true) heap.push({ head: next.value, run });
  };
  for (const run of runs.keys()) advance(run);
  let open: WordCount | null = null;
  for (let first = heap.pop(); first !== undefined; first = heap.pop()) {
    const [word, count] = first.head;
    if (open !== null && open[0] === word) open = [word, open[1] + count];
    else {
      if (open !== null) yield open;
      open = first.head;
    }
    advance(first.run);
  }
  if (open !== null) yield open;
}

/**
 * At most about `most` of many words: the most frequent ones, which are half of them, and of the others as many as there
 * is room for, drawn by their hashes, each of which stands for those that were not drawn and counts for as many more.
 * It depends on nothing but the words and their counts. All of them where there are no more than `most`.
 * @param words Iterated twice, in order.
 */
export function sampleWords(words: () => Iterable<WordCount>, most: number): WordList {
  const withCount = new Map<number, number>();
  let all = 0;
  for (const [, count] of words()) {
    all++;
    withCount.set(count, (withCount.get(count) ?? 0) + 1);
  }
  if (all <= most) return WordList.of(words());
  let frequent = 0;
  let least = Infinity;
  for (const [count, number] of [...withCount].sort(([a], [b]) => b - a)) {
    if (frequent + number > most / 2) break;
    frequent += number;
    least = count;
  }
  const share = (most - frequent) / (all - frequent);
  const weight = Math.round(1 / share);
  const drawn = new WordList();
  for (const [word, count] of words()) {
    if (count >= least) drawn.push(word, count);
    else if (placeOf(word) < share) drawn.push(word, count * weight);
  }
  return drawn;
}

/** A number in [0, 1) that is a function of the word. */
const placeOf = (word: string): number => parseInt(sha256(word).slice(0, 8), 16) / 2 ** 32;
