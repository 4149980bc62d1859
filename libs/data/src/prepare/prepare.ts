import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import {
  canonicalJson,
  RingmasterError,
  sha256,
  type DataManifest,
  type DataSplit,
} from '@ringmaster/protocol';
import { parseDataManifest } from '../batches/dataset.js';
import type { BlobStore } from '../blobs/blob-store.js';
import { diskErrors, syncDirectory } from '../blobs/disk.js';
import { TEXT_NEEDS, wantedColumns } from '../readers/columns.js';
import type { Roots } from '../readers/roots.js';
import { SplitBuilder } from '../shards/builder.js';
import { tokenWidth } from '../shards/section.js';
import { unigramEntropy } from '../shards/entropy.js';
import { loadTokenizer } from '../tokenizers/load.js';
import { trainTokenizer } from '../tokenizers/train.js';
import { collectCorpus, type SplitDocument } from './corpus.js';
import { textIn, textsOf } from './content.js';
import { collectEncoders } from './encoders.js';
import { Progress, type PrepareProgress } from './progress.js';
import { openSources, type PrepareRequest, type Sources } from './request.js';
import { UnknownTokens } from './unknown-tokens.js';

/** Raise it when the same sources would give other bytes: readers, cleaning, splits, tokenizers or shards changed. */
const PIPELINE = 3;

export interface PreparedData {
  readonly manifest: DataManifest;
  /** Of the manifest's blob. */
  readonly sha256: string;
  /** Whether it had been prepared before. */
  readonly cached: boolean;
  /** What a user should know, one sentence each: what was left out now, and the manifest's warnings. */
  readonly warnings: readonly string[];
}

export interface PrepareOptions {
  readonly store: BlobStore;
  /** Directory that remembers which manifest a request gave. */
  readonly index: string;
  readonly onProgress?: (progress: PrepareProgress) => void;
  /** Threads that read and clean; by default one a processor. The bytes do not depend on it. */
  readonly threads?: number;
  /** Directories that the data may be read from; by default any. */
  readonly roots?: Roots;
}

/**
 * Prepares data: the manifest's bytes are a function of the request and of the sources' bytes and relative names. What
 * was prepared before is returned once its bytes were checked. The manifest is stored after everything it names and remembered last, so a
 * preparation that is killed leaves nothing that would be taken for whole.
 *
 * It computes for seconds without pause: run it in a process of its own.
 * @throws Any error of data, tokenizers and blobs; DISK_FULL.
 */
export async function prepareData(
  request: PrepareRequest,
  {
    store,
    index,
    onProgress = () => undefined,
    threads = availableParallelism(),
    roots = null,
  }: PrepareOptions,
): Promise<PreparedData> {
  const progress = new Progress(onProgress);
  progress.phase('hash');
  const sources = await openSources(request, roots);
  const base = 'tokenizerFile' in request ? await readTokenizer(request.tokenizerFile) : null;
  const entry = join(index, requestKey(request, sources, base));
  const known = await recall(entry, store);
  const notices = [sources.main, sources.validation, sources.test].flatMap(
    (source) => source?.notices ?? [],
  );
  const done = (manifest: DataManifest, sha256: string, cached: boolean): PreparedData => {
    const warnings = [...new Set([...notices, ...manifest.warnings])];
    return { manifest, sha256, cached, warnings };
  };
  if (known !== null) return done(known.manifest, known.sha256, true);

  const { documents, statistics, warnings } = await collectCorpus(sources, progress, threads);
  const annotated = collectEncoders(documents, request.needs ?? TEXT_NEEDS);
  const json = base ?? train(request, documents, progress);
  const tokenizer = loadTokenizer(json);

  progress.phase('encode', documents.length);
  const width = tokenWidth(tokenizer.vocabulary);
  const { encoders } = annotated;
  const columns = encoders.flatMap((encoder) => encoder.columns);
  const builders: Record<DataSplit, SplitBuilder> = {
    train: new SplitBuilder(store, columns, width),
    validation: new SplitBuilder(store, columns, width),
    test: new SplitBuilder(store, columns, width),
  };
  const unknown = new UnknownTokens(tokenizer);
  const frequencies = new Float64Array(tokenizer.vocabulary);
  for (const [at, document] of documents.entries()) {
    const encoded = encoders.flatMap((encoder) => encoder.encode(document, tokenizer));
    let characters = 0;
    for (const [index, { name, kind }] of columns.entries()) {
      if (kind !== 'tokens') continue;
      const text = textIn(document.columns, name) ?? '';
      const tokens = encoded[index]?.values ?? [];
      characters += text.length;
      unknown.add(text, tokens);
      if (document.split !== 'train') continue;
      for (const token of tokens) frequencies[token] = (frequencies[token] ?? 0) + 1;
    }
    await builders[document.split].add(document.id, characters, encoded);
    progress.advance(at + 1);
  }

  const unknownWarning = unknown.judge();
  const { vocabulary, pad, classify, separate, mask, endOfText, special } = tokenizer;
  const manifest: DataManifest = {
    format: 2,
    tokenizer: {
      sha256: (await store.putBytes(Buffer.from(json))).sha256,
      vocabulary,
      pad,
      unknown: tokenizer.unknown,
      classify,
      separate,
      mask,
      endOfText,
      special: [...special],
    },
    width,
    columns,
    cleaning: [...sources.main.cleaning],
    splits: {
      train: await builders.train.finish(),
      validation: await builders.validation.finish(),
      test: await builders.test.finish(),
    },
    statistics: {
      ...statistics,
      unknownTokens: unknown.count,
      unigramEntropy: unigramEntropy(frequencies, special),
    },
    warnings: [...warnings, ...annotated.warnings, unknownWarning, unusedTokens(json)].filter(
      (warning) => warning !== null,
    ),
  };
  const blob = await store.putBytes(Buffer.from(canonicalJson(manifest)));
  await remember(entry, blob.sha256);
  return done(manifest, blob.sha256, false);
}

async function readTokenizer(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RingmasterError('TOKENIZER_INVALID', { path, reason }, { cause });
  }
}

function train(
  request: PrepareRequest,
  documents: readonly Pick<SplitDocument, 'columns' | 'split'>[],
  progress: Progress,
): string {
  if (!('tokenizer' in request)) throw new Error('there is neither a tokenizer nor its file');
  const texts = documents
    .filter(({ split }) => split === 'train')
    .flatMap(({ columns }) => textsOf(columns));
  progress.phase('tokenizer', texts.length);
  return trainTokenizer(texts, request.tokenizer);
}

function unusedTokens(json: string): string | null {
  const count = json.match(/"\[unused\d+\]":/g)?.length ?? 0;
  return count === 0 ? null : `the vocabulary has ${count} tokens more than the train split yields`;
}

/** Everything that the manifest depends on. */
function requestKey(request: PrepareRequest, sources: Sources, tokenizer: string | null): string {
  const { main, validation, test, fractions } = sources;
  const { data, needs = TEXT_NEEDS } = request;
  const list = (source: Sources['test']) => source?.files.map((file) => [file.name, file.sha256]);
  return sha256(
    canonicalJson({
      pipeline: PIPELINE,
      needs,
      tokenizer: 'tokenizer' in request ? request.tokenizer : sha256(tokenizer ?? ''),
      corpus: data.corpus,
      format: data.format,
      columns: wantedColumns({ ...data, needs }),
      fractions,
      files: [list(main), list(validation), list(test)],
    }),
  );
}

/** What the index says, if all of it is still there with the bytes that it had. */
async function recall(
  entry: string,
  store: BlobStore,
): Promise<Pick<PreparedData, 'manifest' | 'sha256'> | null> {
  try {
    const id = (await readFile(entry, 'utf8')).trim();
    const manifest = parseDataManifest((await store.read(id)).toString(), store.path(id));
    const blobs = Object.values(manifest.splits).flatMap((split) => [
      split.ids,
      ...split.shards.map((shard) => shard.sha256),
    ]);
    for (const blob of [manifest.tokenizer.sha256, ...blobs])
      if (!(await store.isWhole(blob))) return null;
    // Its age tells for how long nobody has wanted it.
    const now = Date.now() / 1000;
    await utimes(entry, now, now);
    return { manifest, sha256: id };
  } catch {
    return null; // Never prepared, or damaged since: it is prepared again.
  }
}

async function remember(entry: string, id: string): Promise<void> {
  const directory = dirname(entry);
  const temporary = `${entry}.${randomBytes(4).toString('hex')}`;
  try {
    await diskErrors(directory, async () => {
      await mkdir(directory, { recursive: true });
      await writeFile(temporary, `${id}\n`, { flag: 'wx', flush: true });
      await rename(temporary, entry);
      await syncDirectory(directory);
    });
  } finally {
    await rm(temporary, { force: true });
  }
}
