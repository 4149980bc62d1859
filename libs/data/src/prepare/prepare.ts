import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import {
  canonicalJson,
  isFilter,
  isRule,
  RingmasterError,
  sha256,
  type DataManifest,
  type PreparationProgress,
} from '@ringmaster/protocol';
import type { BlobStore } from '../blobs/blob-store.js';
import { diskErrors } from '../blobs/disk.js';
import { TEXT_NEEDS, wantedColumns } from '../readers/columns.js';
import { readingOf, type MixtureSource } from '../readers/mixture.js';
import type { Roots } from '../readers/roots.js';
import { Remote } from '../remote/remote.js';
import { unigramEntropy } from '../shards/entropy.js';
import { drawnAudits, type Audits } from '../tasks/audit.js';
import { OwnLeases, type Leases } from '../tasks/leases.js';
import { loadTokenizer } from '../tokenizers/load.js';
import { chunksOf } from './chunks.js';
import { collectCorpus } from './corpus.js';
import { planEncoding, type EncodingPlan } from './encoders.js';
import { PIPELINE } from './pipeline.js';
import { recall, remember, type Remembered } from './prepared-index.js';
import { Progress } from './progress.js';
import { putReport, type PreparationReport } from './report.js';
import { openSources, type PrepareRequest, type Sources } from './request.js';
import { encodeCorpus, type MixtureShares } from './shards.js';
import { judgeUnknown } from './unknown-tokens.js';
import { inTaskDirectory } from './task-directory.js';
import { trainVocabulary } from './vocabulary.js';
import { atWorkplace, type Workplace } from './workplace.js';

export interface PreparedData extends Remembered {
  /** Whether it had been prepared before. */
  readonly cached: boolean;
  /** What a user should know, one sentence each: what was left out now, and the manifest's warnings. */
  readonly warnings: readonly string[];
}

export interface PrepareOptions {
  readonly store: BlobStore;
  /** Directory that remembers which manifest a request gave. */
  readonly index: string;
  readonly onProgress?: (progress: PreparationProgress) => void;
  /** Threads that read and clean; by default one a processor. The bytes do not depend on it. */
  readonly threads?: number;
  /** When tasks may be done; by default whenever a thread has nothing to do. */
  readonly leases?: Leases;
  /** Which answers of others are given here as well; the bytes do not depend on it. */
  readonly audits?: Audits;
  /** Called with the key of the preparation once it has the directory of its tasks, which outlives it if it is killed. */
  readonly onTasks?: (key: string) => void;
  /** Directories and URLs that the data may be read from; by default any. */
  readonly roots?: Roots;
}

/**
 * Prepares data: the manifest's bytes are a function of the request and of the sources' bytes and relative names. What
 * was prepared before is returned once its bytes were checked. The manifest is stored after everything it names and
 * remembered last, so a preparation that is killed leaves nothing that would be taken for whole; what its tasks have given
 * is taken over by the next one of the same request.
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
    leases,
    audits = drawnAudits(),
    onTasks = () => undefined,
    roots = null,
  }: PrepareOptions,
): Promise<PreparedData> {
  const progress = new Progress(onProgress);
  progress.phase('hash');
  const remote = new Remote({ store, roots, progress });
  const sources = await openSources(request, roots, remote);
  const base = 'tokenizerFile' in request ? await readTokenizer(request.tokenizerFile) : null;
  const key = requestKey(request, sources, base);
  const entry = join(index, key);
  const known = await recall(entry, store);
  const notices = [sources.main, sources.validation, sources.test].flatMap(
    (source) => source?.notices ?? [],
  );
  const done = (data: Remembered, cached: boolean): PreparedData => {
    const warnings = [...new Set([...notices, ...data.manifest.warnings])];
    return { ...data, cached, warnings };
  };
  if (known !== null) return done(known, true);

  const size = Math.min(threads, chunksOf(sources).length);
  return diskErrors(store.root, () =>
    inTaskDirectory(store, key, async (tasks) => {
      onTasks(key);
      // Another process may have had the directory, and come to its end.
      const meanwhile = await recall(entry, store);
      if (meanwhile !== null) return done(meanwhile, true);
      const isAlone = size <= 1;
      const given = { leases: leases ?? new OwnLeases(size), audits };
      const work = { store, progress, tasks, isAlone, ...given };
      return atWorkplace(work, async (place) => {
        const { manifest, report } = await prepare(request, sources, base, place);
        const reported = await putReport(store, report);
        const { sha256 } = await store.putBytes(Buffer.from(canonicalJson(manifest)));
        await remember(entry, [sha256, reported]);
        return done({ manifest, sha256, report: { format: 1, ...report } }, false);
      });
    }),
  );
}

async function prepare(
  request: PrepareRequest,
  sources: Sources,
  base: string | null,
  place: Workplace,
): Promise<{ manifest: DataManifest; report: Omit<PreparationReport, 'format'> }> {
  const corpus = await collectCorpus(sources, place);
  const planned = planEncoding(corpus, request.needs ?? TEXT_NEEDS, request.chat);
  const json = base ?? (await trainVocabulary(request, corpus, place));
  const tokenizer = loadTokenizer(json);
  const { sha256 } = await place.store.putBytes(Buffer.from(json));
  const path = place.store.path(sha256);
  const {
    vocabulary,
    pad,
    classify,
    separate,
    mask,
    endOfText,
    special,
    sentinels = [],
  } = tokenizer;
  const named = areOfTexts(planned.plan) ? sentinels : [];
  const shares = sources.mixture === null ? null : mixtureShares(sources.mixture, planned.plan);
  const shards = await encodeCorpus(
    corpus,
    planned.plan,
    { path, sha256, vocabulary },
    shares,
    place,
  );
  const { mixture, width, columns, splits, unknown, bytes, frequencies } = shards;
  const unknownWarning = judgeUnknown(unknown);
  const { cleaning: steps } = sources.main;
  const filters = steps.filter(isFilter);
  const manifest: DataManifest = {
    format: 2,
    tokenizer: {
      sha256,
      vocabulary,
      pad,
      unknown: tokenizer.unknown,
      classify,
      separate,
      mask,
      endOfText,
      special: [...special],
      ...(named.length === 0 ? {} : { sentinels: [...named] }),
    },
    width,
    columns,
    cleaning: steps.filter(isRule),
    ...(filters.length === 0 ? {} : { filters }),
    ...(mixture === null ? {} : { mixture }),
    splits,
    statistics: {
      ...corpus.statistics,
      unknownTokens: unknown.count,
      unigramEntropy: unigramEntropy(frequencies, special),
    },
    warnings: [
      ...corpus.warnings,
      ...planned.warnings,
      ...shards.warnings,
      unknownWarning,
      unusedTokens(json),
      ...repeated(mixture),
    ].filter((warning) => warning !== null),
  };
  const { tokens, count, example } = unknown;
  const encoded = { tokens, bytes, unknown: count, example };
  return { manifest, report: { steps: corpus.steps, encoded } };
}

async function readTokenizer(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RingmasterError('TOKENIZER_INVALID', { path, reason }, { cause });
  }
}

/** Whether it is texts that are learned, without a class of theirs: those are joined, and their spans restored. */
function areOfTexts({ needs }: EncodingPlan): boolean {
  return needs.text === 'required' && needs.class !== 'required';
}

/** How sources are mixed: where a class is learned, by documents. */
function mixtureShares(sources: readonly MixtureSource[], plan: EncodingPlan): MixtureShares {
  return { sources, unit: areOfTexts(plan) ? 'tokens' : 'documents' };
}

/** Passes in one epoch beyond which what is repeated teaches less than what is new (Muennighoff et al. 2023). */
const MANY = 4;

function repeated(mixture: DataManifest['mixture'] | null): string[] {
  return (mixture ?? [])
    .filter(({ epochs }) => epochs > MANY)
    .map(
      ({ name, epochs }) => `the source '${name}' is read ${epochs.toFixed(1)} times in an epoch`,
    );
}

function unusedTokens(json: string): string | null {
  const count = json.match(/"\[unused\d+\]"[:,]/g)?.length ?? 0;
  return count === 0 ? null : `the vocabulary has ${count} tokens more than the train split yields`;
}

/** Everything that the manifest depends on. */
function requestKey(request: PrepareRequest, sources: Sources, tokenizer: string | null): string {
  const { main, validation, test, fractions } = sources;
  const { data, needs = TEXT_NEEDS, chat } = request;
  const list = (source: Sources['test']) => source?.files.map((file) => [file.name, file.sha256]);
  return sha256(
    canonicalJson({
      pipeline: PIPELINE,
      needs,
      chat,
      tokenizer: 'tokenizer' in request ? request.tokenizer : sha256(tokenizer ?? ''),
      corpus: data.corpus,
      format: data.format,
      labels: data.labels,
      cleaning: data.cleaning,
      columns: wantedColumns({ ...data, needs }),
      fractions,
      files: [list(main), list(validation), list(test)],
      sources: data.sources?.map((source) => {
        const reading = readingOf(data, source);
        const { format, labels } = reading;
        const { weight, limit } = source;
        return { weight, limit, format, labels, columns: wantedColumns({ ...reading, needs }) };
      }),
    }),
  );
}
