import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeHomeDirectory, ringmasterHome, type Home } from '@ringmaster/base';
import type { Command } from 'commander';
import type { BlobStore, PrepareRequest } from '@ringmaster/data';
import {
  dataOf,
  needsOf,
  tokenizerOf,
  type ArtifactManifest,
  type JobSpec,
  type PreparedDataView,
} from '@ringmaster/protocol';
import { gather, wholeNumber } from '../arguments.js';
import { Client } from '../client.js';
import { describePreparation } from '../describe-preparation.js';
import { ProgressLine } from '../progress-line.js';
import { describeData } from '../data-report.js';
import { inHome, locate } from '../location.js';
import { inspectData } from '../inspect-data.js';
import { loadJobFile } from '../job-file.js';
import { describeModel, findModel, presentModel } from '../names.js';
import { formatBytes, formatCount, note, print, printJson, table } from '../output.js';
import { clusterOptions, homeOption, jsonOption, subverb, type JsonOption } from '../verb.js';

interface DataOptions extends JsonOption {
  readonly set?: readonly string[];
}

interface InspectOptions extends DataOptions {
  readonly samples: number;
}

/** Whether something is the id of prepared data, or how one begins, and no file. */
const isId = (what: string): boolean => /^[0-9a-f]{6,64}$/.test(what) && !existsSync(what);

const SETTING = ['--set <path=value>', 'override a key of the job file; may be repeated'] as const;

export function define(data: Command): void {
  jsonOption(
    homeOption(
      subverb(
        data,
        'prepare <job.yaml>',
        'Clean, tokenise and shard the data that a job would train on',
      ),
    ),
  )
    .option(...SETTING, gather)
    .action(async (path: string, { home, json, set }: DataOptions) => {
      const { manifest, sha256, cached, warnings } = await prepare(path, set, ringmasterHome(home));
      if (json) {
        printJson({ sha256, cached, manifest, warnings });
        return;
      }
      for (const warning of warnings) note(`warning: ${warning}`);
      const { train, validation, test } = manifest.splits;
      const tokens = train.tokens + validation.tokens + test.tokens;
      note(`${formatCount(tokens)} tokens; look at them with: ringmaster data inspect ${path}`);
      print(sha256);
    });
  jsonOption(
    homeOption(
      subverb(
        data,
        'inspect <job.yaml|id>',
        'Tell what is in that data, or in what is prepared under an id, what was left out and why',
      ),
    ),
  )
    .option(...SETTING, gather)
    .option('--samples <n>', 'documents to show as the model reads them', wholeNumber(0, 1000), 3)
    .action(async (what: string, { home, set, samples, json }: InspectOptions) => {
      const root = ringmasterHome(home);
      const data = isId(what) ? await recall(what, root) : await prepare(what, set, root);
      const { sha256, manifest, warnings, report } = data;
      const seen = await inspectData(manifest, data.store, samples);
      if (json) {
        const shown = seen.samples.map(({ tokens, columns }) => ({ ...columns, tokens }));
        printJson({ sha256, manifest, warnings, report, ...seen, samples: shown });
      } else print(describeData(data, seen));
    });
  jsonOption(
    clusterOptions(subverb(data, 'list', 'List what is prepared, those used last first')),
  ).action(async ({ json, ...where }: JsonOption) => {
    const views = await new Client(locate(where)).data();
    if (json) printJson(views);
    else print(table('ID DOCUMENTS TOKENS VOCABULARY SIZE JOB USED'.split(' '), views.map(row)));
  });
  jsonOption(
    clusterOptions(
      subverb(data, 'remove <ids...>', 'Remove prepared data; they are prepared anew when wanted'),
    ),
  ).action(async (ids: readonly string[], { json, ...where }: JsonOption) => {
    const client = new Client(locate(where));
    for (const id of ids) {
      await client.remove('data', id);
      note(`The data ${id} are removed.`);
    }
    if (json) printJson({ removed: ids });
  });
}

function row({ id, documents, tokens, vocabulary, bytes, job, usedAt }: PreparedDataView) {
  const counts = [documents, tokens, vocabulary].map(formatCount);
  return [id.slice(0, 12), ...counts, formatBytes(bytes), job, usedAt];
}

/** Data that are prepared in a home. */
async function recall(id: string, home: Home) {
  const { BlobStore, findPrepared } = await import('@ringmaster/data');
  const store = new BlobStore(home.artifacts);
  const found = await findPrepared(id, { store, index: home.data });
  return { ...found, warnings: found.manifest.warnings, store };
}

async function prepare(path: string, overrides: readonly string[] | undefined, home: Home) {
  const spec = loadJobFile(path, overrides);
  makeHomeDirectory(home.root, 0o700);
  makeHomeDirectory(home.artifacts);
  makeHomeDirectory(home.data);
  // Loaded here so that no other verb waits for it.
  const { BlobStore, makeClaim, prepareData } = await import('@ringmaster/data');
  const store = new BlobStore(home.artifacts);
  // The end of the process gives it up.
  makeClaim(home.artifacts);
  const line = new ProgressLine();
  try {
    const prepared = await prepareData(await requestOf(spec, dirname(path), store, home), {
      store,
      index: home.data,
      onProgress: (progress) => {
        line.put(describePreparation(progress), progress.phase);
      },
    });
    return { ...prepared, store };
  } finally {
    line.end();
  }
}

/**
 * What the coordinator would prepare for this job.
 * @param from Directory of the job file.
 */
async function requestOf(
  spec: JobSpec,
  from: string,
  store: BlobStore,
  home: Home,
): Promise<PrepareRequest> {
  const data = dataOf(spec);
  const needs = needsOf(spec);
  const tokenizer = tokenizerOf(spec);
  if (tokenizer !== null) return { data, needs, tokenizer };
  const { base = '' } = spec;
  const found = await findModel(new Client(inHome(home)), base, from);
  note(describeModel(base, found));
  const path =
    found.type === 'directory'
      ? (name: string) => join(found.path, name)
      : ofManifest(presentModel(base, found).manifest, store);
  const request = { data, needs, tokenizerFile: path('tokenizer.json') };
  if (needs.messages === undefined) return request;
  const { learnedFormat } = await import('../learned-format.js');
  return { ...request, chat: await learnedFormat(path) };
}

/** Where the files of a stored model are; of one that it does not have, where nothing is. */
const ofManifest =
  ({ files }: Pick<ArtifactManifest, 'files'>, store: BlobStore) =>
  (name: string): string =>
    store.path(files[name]?.sha256 ?? '0'.repeat(64));
