import { join } from 'node:path';
import type { DataColumn, DataManifest } from '@ringmaster/protocol';
import type { MixtureSource } from '../readers/mixture.js';
import { SplitBuilder, type FinishedSplit } from '../shards/builder.js';
import { joinSplits, type Pass } from '../shards/join.js';
import { tokenWidth } from '../shards/section.js';
import { splitNames } from '../splits.js';
import { COUNTED, WANTED, type EncodeAnswer } from '../tasks/encode.js';
import { chooseBySmallestHash } from './choice.js';
import { sourceOf } from './chunks.js';
import { ConversationFaults } from './conversations.js';
import { DROPPED, type CorpusPart } from './corpus-part.js';
import { identifier, type Corpus } from './corpus.js';
import { encodersOf, type EncodingPlan } from './encoders.js';
import { epochsOf } from './epochs.js';
import { joinCounted, type CountedUnknown } from './unknown-tokens.js';
import type { Workplace } from './workplace.js';

/** A corpus in shards. */
export interface Encoded extends Pick<DataManifest, 'width' | 'columns' | 'splits'> {
  /** Of a mixture, what becomes of its sources. */
  readonly mixture: DataManifest['mixture'] | null;
  readonly unknown: CountedUnknown;
  /** What of the documents a user should know. */
  readonly warnings: readonly string[];
  /** Bytes of the texts, in UTF-8. */
  readonly bytes: number;
  /** How often each token occurs in the train split. */
  readonly frequencies: Float64Array;
}

/** How the sources of a mixture share an epoch. */
export interface MixtureShares {
  readonly sources: readonly MixtureSource[];
  /** What weights are shares of. */
  readonly unit: 'tokens' | 'documents';
}

/** The tokenizer by its file. */
interface TokenizerFile {
  readonly path: string;
  readonly sha256: string;
  readonly vocabulary: number;
}

const TRAIN = splitNames.indexOf('train');

/**
 * Encodes the documents of a corpus and writes them as shards of their splits. Of a mixture the train split is what one
 * epoch passes over: the shards of a source as often as it is passed over, which are the same blobs each time, and then
 * those of a part of a pass.
 */
export async function encodeCorpus(
  corpus: Corpus,
  plan: EncodingPlan,
  tokenizer: TokenizerFile,
  mixture: MixtureShares | null,
  place: Workplace,
): Promise<Encoded> {
  place.progress.phase('encode', {
    documents: corpus.documents,
    bytes: corpus.parts.reduce((sum, { part }) => sum + part.textBytes, 0),
  });
  const encoding = new Encoding(plan, tokenizer, place);
  const { train, held, unknown, bytes, warnings } = await encoding.all(corpus.parts);
  const passes: Pass[] = train.map((split) => ({ split, times: 1 }));
  const frequencies = train.map(({ frequencies: ofSource }) => ofSource);
  let told: DataManifest['mixture'] | null = null;
  if (mixture !== null) {
    const { sources, unit } = mixture;
    const sizes = sources.map((_, source) => train[source]?.[unit] ?? 0);
    const epochs = epochsOf(sources, sizes);
    told = sources.map(({ name, weight }, source) => {
      const { documents = 0, tokens = 0 } = train[source] ?? {};
      return { name, weight, documents, tokens, epochs: epochs[source] ?? 1 };
    });
    passes.length = 0;
    frequencies.length = 0;
    for (const [source, split] of train.entries()) {
      const times = Math.floor(epochs[source] ?? 1);
      passes.push({ split, times });
      frequencies.push(split.frequencies.map((count) => count * times));
      const rest = Math.round(((epochs[source] ?? 1) - times) * split.documents);
      if (rest === 0) continue;
      const parts = corpus.parts.filter(({ chunk }) => sourceOf(chunk) === source);
      const part = await encoding.some(parts, rest, `rest-${source}`);
      passes.push({ split: part, times: 1 });
      frequencies.push(part.frequencies);
    }
  }
  const { store, directory } = place;
  const [validation, test] = held;
  return {
    width: encoding.width,
    columns: encoding.columns,
    mixture: told,
    splits: {
      train: await joinSplits(store, passes, join(directory, 'ids')),
      validation: await joinSplits(
        store,
        [{ split: validation, times: 1 }],
        join(directory, 'ids'),
      ),
      test: await joinSplits(store, [{ split: test, times: 1 }], join(directory, 'ids')),
    },
    unknown,
    warnings,
    bytes,
    frequencies: summed(frequencies, tokenizer.vocabulary),
  };
}

/** Documents of the train split in shards. */
interface TrainShards extends FinishedSplit {
  /** How often each token occurs. */
  readonly frequencies: Float64Array;
}

/** Encodes documents in one way. */
class Encoding {
  readonly width: DataManifest['width'];
  readonly columns: DataColumn[];
  readonly #plan: EncodingPlan;
  readonly #tokenizer: TokenizerFile;
  readonly #place: Workplace;

  constructor(plan: EncodingPlan, tokenizer: TokenizerFile, place: Workplace) {
    this.width = tokenWidth(tokenizer.vocabulary);
    this.columns = encodersOf(plan).flatMap((encoder) => encoder.columns);
    this.#plan = plan;
    this.#tokenizer = tokenizer;
    this.#place = place;
  }

  /** All documents: those that train by their source, in order, and those that are held out. */
  async all(parts: readonly CorpusPart[]) {
    const held = [this.#builder('validation'), this.#builder('test')] as const;
    const train: TrainShards[] = [];
    let unknown: CountedUnknown = { tokens: 0, count: 0, example: null };
    const conversations = new ConversationFaults();
    let bytes = 0;
    let source = 0;
    let builder = this.#builder('train-0');
    let frequencies = new Float64Array(this.#tokenizer.vocabulary);
    const close = async () => {
      train.push({ ...(await builder.finish()), frequencies });
    };
    const wanted = parts.map(({ splits }) => splits.map(wantedOf));
    for await (const { part, answer } of this.#answers(parts, wanted)) {
      const of = sourceOf(part.chunk) ?? 0;
      for (; part.chunk.origin === 'main' && source < of; source++) {
        await close();
        builder = this.#builder(`train-${source + 1}`);
        frequencies = new Float64Array(this.#tokenizer.vocabulary);
      }
      const builders = splitNames.map((name) =>
        name === 'train' ? builder : held[name === 'validation' ? 0 : 1],
      );
      await addDocuments((at) => builders[part.splits[at] ?? DROPPED], part, answer);
      addTo(frequencies, answer.frequencies);
      unknown = joinCounted(unknown, answer.unknown);
      conversations.add(answer.characters.length, answer.conversations, placesIn(part));
      bytes += answer.bytes;
      this.#place.progress.advance(answer.characters.length, part.part.textBytes);
    }
    await close();
    const warning = conversations.judge();
    const [validation, test] = held;
    const finished = [await validation.finish(), await test.finish()] as const;
    return { train, held: finished, unknown, bytes, warnings: warning === null ? [] : [warning] };
  }

  /** Some of the documents that train: those whose content has the smallest hashes. */
  async some(parts: readonly CorpusPart[], count: number, name: string): Promise<TrainShards> {
    const chosen = chooseBySmallestHash(parts, (split) => split === TRAIN, count);
    const builder = this.#builder(name);
    const frequencies = new Float64Array(this.#tokenizer.vocabulary);
    const wanted = chosen.map((ofPart) => ofPart.map((is) => (is === 1 ? COUNTED : 0)));
    let number = 0;
    for await (const { part, answer } of this.#answers(parts, wanted)) {
      const ofPart = chosen[number++];
      await addDocuments((at) => (ofPart?.[at] === 1 ? builder : undefined), part, answer);
      addTo(frequencies, answer.frequencies);
    }
    return { ...(await builder.finish()), frequencies };
  }

  async *#answers(parts: readonly CorpusPart[], wanted: readonly Uint8Array[]) {
    const { path, sha256 } = this.#tokenizer;
    const requests = parts.map(({ part }, index) => ({
      part: part.file,
      wanted: wanted[index] ?? new Uint8Array(part.documents),
      tokenizer: { path, sha256 },
      plan: this.#plan,
    }));
    let number = 0;
    for await (const answer of this.#place.tasks.answers('encode', requests)) {
      const part = parts[number++];
      if (part === undefined) throw new Error('there are more answers than parts');
      yield { part, answer };
    }
  }

  #builder(name: string): SplitBuilder {
    const { store, directory } = this.#place;
    return new SplitBuilder(store, this.columns, this.width, join(directory, `ids-${name}`));
  }
}

/** Where the documents of a part stand. */
function placesIn({ part, chunk }: CorpusPart) {
  return (at: number) => ({
    path: chunk.readings[part.numbers('files')[at] ?? 0]?.file.name ?? '',
    line: part.numbers('lines')[at] ?? 0,
  });
}

function wantedOf(split: number): number {
  if (split === DROPPED) return 0;
  return split === TRAIN ? COUNTED : WANTED;
}

/** Gives each document of a part that was encoded to a builder, in order. */
async function addDocuments(
  builderOf: (document: number) => SplitBuilder | undefined,
  { part, chunk, before, splits }: CorpusPart,
  { columns, characters }: EncodeAnswer,
): Promise<void> {
  const idOf = identifier(part, chunk, before);
  const starts = columns.map(() => 0);
  let document = 0;
  for (let at = 0; at < splits.length; at++) {
    const builder = builderOf(at);
    if (builder === undefined) continue;
    const encoded = columns.map(({ lengths, values }, index) => {
      const start = starts[index] ?? 0;
      const end = start + (lengths[document] ?? 0);
      starts[index] = end;
      return values.subarray(start, end);
    });
    await builder.add(idOf(at), characters[document] ?? 0, encoded);
    document++;
  }
}

function addTo(sums: Float64Array, counts: Float64Array): void {
  for (const [token, count] of counts.entries()) sums[token] = (sums[token] ?? 0) + count;
}

function summed(all: readonly Float64Array[], length: number): Float64Array {
  const sums = new Float64Array(length);
  for (const counts of all) addTo(sums, counts);
  return sums;
}
