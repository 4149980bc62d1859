import type { Dataset } from '@ringmaster/data';
import { RandomStream, type RandomKey } from '@ringmaster/base';
import type { WindowSampling } from '@ringmaster/model';
import type { DataSplit } from '@ringmaster/protocol';
import type { Reader, SampleSet } from '../task.js';
import { unigramCounts, WordDraws } from './word-draws.js';

/** Samples of a split: stretches of the stream, in which a token ends each document. */
export function windowSamples(
  { tokens, documents }: { readonly tokens: number; readonly documents: number },
  context: number,
): number {
  return Math.ceil((tokens + documents) / context);
}

/**
 * Samples for negative sampling: stretches of the documents. Unknown words are left out of a text, and frequent ones at
 * random; windows of the others lie within a document and a sample. What is drawn depends on the key, and so on the epoch.
 */
export function windowSampleSet(
  { manifest, splits }: Dataset,
  split: DataSplit,
  { context, windows }: Pick<Reader, 'context' | 'windows'>,
): SampleSet {
  const { separate, endOfText, pad, special, vocabulary } = manifest.tokenizer;
  const end = separate ?? endOfText;
  if (end === null)
    throw new TypeError('word vectors need a tokenizer with a token that ends texts');
  if (windows === null) throw new TypeError('negative sampling is for models of word vectors');
  const reader = splits[split];
  const total = reader.tokens + reader.documents;
  let draws: WordDraws | null = null;
  return {
    count: windowSamples(reader, context),
    collate(samples, keys) {
      draws ??= new WordDraws(unigramCounts(splits.train, vocabulary), special, windows);
      const tokens = new Int32Array(samples.length * context).fill(pad ?? end);
      const lengths = new Int32Array(samples.length);
      const targets = new WindowTargets(draws, end, windows);
      for (const [row, sample] of samples.entries()) {
        const start = sample * context;
        const length = Math.min(context, total - start);
        const at = row * context;
        reader.copyStream(start, start + length, end, tokens, at);
        targets.add(tokens.subarray(at, at + length), at, keys(sample));
        lengths[row] = length;
      }
      return {
        sequences: samples.length,
        length: context,
        tokens,
        lengths,
        targets: targets.take(),
      };
    },
  };
}

/** The windows of the words of several samples, and what is drawn beside each. */
class WindowTargets {
  readonly #draws: WordDraws;
  readonly #end: number;
  readonly #sampling: WindowSampling;
  readonly #rows: number[] = [];
  readonly #windows: number[] = [];
  readonly #samples: number[] = [];

  constructor(draws: WordDraws, end: number, sampling: WindowSampling) {
    this.#draws = draws;
    this.#end = end;
    this.#sampling = sampling;
  }

  /**
   * Adds the words of a sample. Each token has a draw that says whether it is kept, and behind those each kept word has
   * one for its window and one for each negative.
   */
  add(text: Int32Array, first: number, key: RandomKey): void {
    const stream = new RandomStream(key);
    const kept: number[] = [];
    const finish = () => {
      this.#addDocument(text, kept, first, stream);
      kept.length = 0;
    };
    for (const [at, token] of text.entries()) {
      if (token === this.#end) finish();
      else if (this.#draws.keeps(token, stream.uint32(at))) kept.push(at);
    }
    finish();
  }

  take() {
    return {
      kind: 'windows',
      rows: Int32Array.from(this.#rows),
      windows: Int32Array.from(this.#windows),
      samples: Int32Array.from(this.#samples),
    } as const;
  }

  #addDocument(text: Int32Array, kept: readonly number[], first: number, stream: RandomStream) {
    const { window, negatives } = this.#sampling;
    const start = this.#rows.length;
    const end = start + kept.length;
    for (const [index, at] of kept.entries()) {
      const row = start + index;
      const draw = text.length + at * (1 + negatives);
      const size = 1 + stream.integer(draw, window);
      this.#rows.push(first + at);
      this.#windows.push(Math.max(start, row - size), Math.min(end, row + size + 1));
      const word = text[at] ?? 0;
      this.#samples.push(word);
      for (let number = 1; number <= negatives; number++) {
        const drawn = this.#draws.draw(stream.uint32(draw + number));
        // As word2vec has it: the word itself is no negative of its own.
        this.#samples.push(drawn === word ? -1 : drawn);
      }
    }
  }
}
