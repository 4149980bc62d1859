import { stat } from 'node:fs/promises';
import {
  isLocation,
  isRule,
  namesSeveral,
  parseLocation,
  RingmasterError,
  type ColumnNeeds,
  type DataSection,
  type DataSplit,
  type TokenizerRequest,
} from '@ringmaster/protocol';
import type { ChatFormat } from '../chat/template.js';
import type { Source } from '../document.js';
import { findOneOfEach } from '../readers/files.js';
import { formatOf, isArchive } from '../readers/formats.js';
import { openSpamAssassin } from '../readers/spam-assassin.js';
import { requireWithin, type Roots } from '../readers/roots.js';
import type { Remote } from '../remote/remote.js';
import { withDataset } from '../readers/hugging-face.js';
import { mixtureOf, openMixture, type MixtureSource } from '../readers/mixture.js';
import { openFiles } from '../readers/source.js';
import type { SplitFractions } from '../splits.js';

/** What to prepare: the `data` section of a job file, and a tokenizer to train or a `tokenizer.json` to use. */
export type PrepareRequest = {
  readonly data: DataSection;
  /** The columns that the task needs of its documents; by default those of a text. */
  readonly needs?: ColumnNeeds;
  /** How conversations are written, where the task learns from them; null where there is no template. */
  readonly chat?: ChatFormat | null | undefined;
} & ({ readonly tokenizer: TokenizerRequest } | { readonly tokenizerFile: string });

/** The sources of a request. Those of validation and test are there when the split is given as files. */
export interface Sources {
  /** What is divided by the fractions; all of it trains where those are zero. */
  readonly main: Source;
  readonly validation: Source | null;
  readonly test: Source | null;
  readonly fractions: SplitFractions;
  /** What the main source is made of, where it is a mixture. */
  readonly mixture: readonly MixtureSource[] | null;
}

/** @throws JOB_FILE_INVALID when the fractions leave nothing to train on; what the readers throw. */
export async function openSources(
  { data: given, needs }: Pick<PrepareRequest, 'data' | 'needs'>,
  roots: Roots,
  remote: Remote | null = null,
): Promise<Sources> {
  const data = withDataset(given, roots);
  const fraction = (split: DataSection['test']) => (typeof split === 'number' ? split : 0);
  const fractions = { validation: fraction(data.validation), test: fraction(data.test) };
  if (fractions.validation + fractions.test >= 1)
    throw new RingmasterError('JOB_FILE_INVALID', {
      key: 'data.validation',
      reason: 'together with data.test it leaves nothing to train on',
    });
  const openSplit = async (split: DataSection['test']) =>
    typeof split === 'number' || split === undefined
      ? null
      : unfiltered(await openFiles(asList(split), { ...data, needs }, roots, remote));
  return {
    main: await openMain(data, needs, roots, remote),
    mixture: data.sources === undefined ? null : mixtureOf(data.sources),
    validation: await openSplit(data.validation),
    test: await openSplit(data.test),
    fractions,
  };
}

/**
 * Checks what the names of the files in a `data` section tell, before anything is read: that each pattern matches a file,
 * and that one file of each has something in it and a format. Other machines are not asked.
 * @throws DATA_LOCATION_INVALID, DATA_PATH_REFUSED, DATA_NO_FILES, DATA_FILE_EMPTY, DATA_FORMAT_UNKNOWN
 */
export async function checkSources(data: DataSection, roots: Roots): Promise<void> {
  const { sources = [] } = data;
  const lists = [
    ...sources.map(({ files, format = data.format }) => ({ files, format })),
    ...[data.files, data.validation, data.test].map((files) => ({ files, format: data.format })),
  ];
  for (const { files, format } of lists) {
    const patterns = [files].flat().filter((pattern) => typeof pattern === 'string');
    for (const entry of patterns.filter(isLocation)) checkLocation(entry, format, roots);
    for (const path of await findOneOfEach(patterns, roots)) {
      if ((await stat(path)).size === 0) throw new RingmasterError('DATA_FILE_EMPTY', { path });
      if (format === undefined && !isArchive(path)) formatOf(path);
    }
  }
}

function checkLocation(entry: string, format: DataSection['format'], roots: Roots): void {
  const location = parseLocation(entry);
  requireWithin(entry, roots);
  const isOne = location.kind === 'web' || !namesSeveral(location);
  if (isOne && format === undefined && !isArchive(location.shown)) formatOf(location.shown);
}

async function openMain(
  data: DataSection,
  needs: ColumnNeeds | undefined,
  roots: Roots,
  remote: Remote | null,
): Promise<Source> {
  const { files, sources } = data;
  if (sources !== undefined) return openMixture({ ...data, sources }, needs, roots, remote);
  return files === undefined
    ? openSpamAssassin(undefined, { ...data, needs })
    : openFiles(asList(files), { ...data, needs }, roots, remote);
}

/** Files that are given for a split are judged by as a whole: no document of theirs is left out. */
function unfiltered(source: Source): Source {
  return { ...source, cleaning: source.cleaning.filter(isRule) };
}

function asList(patterns: string | readonly string[]): readonly string[] {
  return typeof patterns === 'string' ? [patterns] : patterns;
}

/** Where a document comes from, before fractions are applied. */
export type Origin = DataSplit | 'main';
