import { RingmasterError } from '@ringmaster/protocol';
import type { VectorTable } from './vector-table.js';

/** A word and its cosine similarity to what was asked for, in [-1, 1]. */
export interface Neighbour {
  readonly word: string;
  readonly similarity: number;
}

/** The nearest words of a word. */
export interface Neighbours {
  readonly word: string;
  readonly neighbours: readonly Neighbour[];
}

/**
 * The words with the most similar vectors to that of each of these, itself excepted, the most similar first. The table is
 * gone through twice.
 * @param top Words that are wanted of each.
 * @throws VECTORS_WORD_UNKNOWN; what reading the table throws
 */
export async function neighboursOf(
  table: VectorTable,
  words: readonly string[],
  top: number,
): Promise<Neighbours[]> {
  const vectors = await unitVectors(table, words);
  const queries = vectors.map(({ word, vector }) => ({ vector, except: [word] }));
  const found = await nearest(table, queries, top);
  return vectors.map(({ word }, index) => ({ word, neighbours: found[index] ?? [] }));
}

/**
 * What is to `c` as `b` is to `a`: the words nearest to b − a + c, all three of length 1 and excepted (Mikolov et al.,
 * "Linguistic regularities in continuous space word representations", 2013).
 * @throws VECTORS_WORD_UNKNOWN; what reading the table throws
 */
export async function analogyOf(
  table: VectorTable,
  [a, b, c]: readonly [string, string, string],
  top: number,
): Promise<Neighbour[]> {
  const [from, to, of] = await unitVectors(table, [a, b, c]);
  if (from === undefined || to === undefined || of === undefined) return [];
  const sum = to.vector.map((value, at) => value - (from.vector[at] ?? 0) + (of.vector[at] ?? 0));
  const query = { vector: unit(sum), except: [from.word, to.word, of.word] };
  const [found = []] = await nearest(table, [query], top);
  return found;
}

interface WordVector {
  readonly word: string;
  readonly vector: Float64Array;
}

/** The vectors of words, of length 1. @throws VECTORS_WORD_UNKNOWN */
async function unitVectors(table: VectorTable, texts: readonly string[]): Promise<WordVector[]> {
  const wanted = texts.map((text) => table.wordOf?.(text) ?? text);
  const left = new Set(wanted);
  const folded = new Set(wanted.map((word) => word.toLowerCase()));
  const similar: string[] = [];
  const found = new Map<string, Float64Array>();
  for await (const { words, values } of table.chunks()) {
    for (const [index, word] of words.entries()) {
      if (left.has(word)) {
        found.set(word, unit(vectorAt(values, index, table.dimensions)));
        left.delete(word);
      } else if (folded.has(word.toLowerCase())) similar.push(word);
    }
  }
  const unknown = texts.filter((_, index) => !found.has(wanted[index] ?? ''));
  if (unknown.length > 0) {
    const cases = new Set(unknown.map((word) => word.toLowerCase()));
    throw new RingmasterError('VECTORS_WORD_UNKNOWN', {
      name: table.name,
      words: unknown,
      similar: similar.filter((word) => cases.has(word.toLowerCase())),
    });
  }
  return wanted.flatMap((word) => {
    const vector = found.get(word);
    return vector === undefined ? [] : [{ word, vector }];
  });
}

interface Query {
  /** Of length 1. */
  readonly vector: Float64Array;
  readonly except: readonly string[];
}

/** The words nearest to each query; of equally similar ones the first in the table. */
async function nearest(
  table: VectorTable,
  queries: readonly Query[],
  top: number,
): Promise<Neighbour[][]> {
  const best = queries.map(() => new Nearest(top));
  for await (const { words, values } of table.chunks())
    for (const [index, word] of words.entries()) {
      const vector = vectorAt(values, index, table.dimensions);
      const norm = lengthOf(vector);
      for (const [at, { vector: query, except }] of queries.entries()) {
        if (except.includes(word)) continue;
        best[at]?.offer(word, norm === 0 ? 0 : dot(query, vector) / norm);
      }
    }
  return best.map((each) => each.take());
}

/** The most similar of many words that are offered one after the other, in time near linear in their number. */
class Nearest {
  readonly #top: number;
  /** At most twice as many as are wanted; equally similar ones in the order in which they were offered. */
  #kept: Neighbour[] = [];
  /** What is not above this is not among those that are wanted. */
  #least = -Infinity;

  constructor(top: number) {
    this.#top = top;
  }

  offer(word: string, similarity: number): void {
    if (similarity <= this.#least) return;
    this.#kept.push({ word, similarity });
    if (this.#kept.length >= 2 * this.#top) this.#cut();
  }

  take(): Neighbour[] {
    this.#cut();
    return this.#kept;
  }

  #cut(): void {
    this.#kept.sort((a, b) => b.similarity - a.similarity);
    this.#kept = this.#kept.slice(0, this.#top);
    if (this.#kept.length === this.#top) this.#least = this.#kept.at(-1)?.similarity ?? -Infinity;
  }
}

const vectorAt = (values: Float32Array, index: number, dimensions: number): Float32Array =>
  values.subarray(index * dimensions, (index + 1) * dimensions);

function dot(a: Float64Array | Float32Array, b: Float32Array | Float64Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += (a[at] ?? 0) * (b[at] ?? 0);
  return sum;
}

const lengthOf = (vector: Float32Array | Float64Array): number => Math.sqrt(dot(vector, vector));

/** A vector of the same direction and length 1; zeros stay what they are. */
function unit(vector: Float32Array | Float64Array): Float64Array {
  const length = lengthOf(vector);
  return Float64Array.from(vector, (value) => (length === 0 ? 0 : value / length));
}
