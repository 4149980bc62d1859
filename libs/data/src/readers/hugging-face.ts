import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, relative, sep } from 'node:path';
import { RingmasterError, type DataSection, type DataSplit } from '@ringmaster/protocol';
import { z } from 'zod';
import { formatNamedBy } from './formats.js';
import { requireWithin, type Roots } from './roots.js';

/** Files of a dataset by split; those that are of none are to train on. */
type SplitFiles = Readonly<Record<DataSplit, readonly string[]>>;

/** What Hugging Face datasets calls splits; anything else is no split (docs of datasets, "Structure your repository"). */
const keywords: Readonly<Record<DataSplit, readonly string[]>> = {
  train: ['train', 'training'],
  validation: ['validation', 'valid', 'val', 'dev'],
  test: ['test', 'testing', 'eval', 'evaluation'],
};

/** Files that tell of a dataset and are none of its data. */
const descriptions = ['dataset_info.json', 'dataset_infos.json', 'dataset_dict.json', 'state.json'];

/**
 * The files of a directory that Hugging Face datasets has made, by split; null of any other directory. It is what
 * `save_to_disk` writes of a `DatasetDict` or of a `Dataset`, or files whose names, or whose folders' names, have the split
 * in them beside `dataset_info.json`.
 * @throws DATA_FILE_INVALID where its description cannot be understood; DATA_PATH_REFUSED where that is not under the roots
 */
function datasetIn(directory: string, roots: Roots): SplitFiles | null {
  const dictionary = join(directory, 'dataset_dict.json');
  if (existsSync(dictionary)) {
    const { splits } = described(dictionary, z.object({ splits: z.array(z.string()) }), roots);
    const saved = splits.map((name) => [name, savedFiles(join(directory, name), roots)] as const);
    const of = (split: DataSplit) =>
      saved.filter(([name]) => splitIn(name) === split).flatMap(([, files]) => files);
    return { train: of('train'), validation: of('validation'), test: of('test') };
  }
  if (!existsSync(join(directory, 'dataset_info.json'))) return null;
  if (existsSync(join(directory, 'state.json')))
    return { train: savedFiles(directory, roots), validation: [], test: [] };
  const files = dataFiles(directory);
  const of = (split: DataSplit | null) =>
    files.filter((path) => splitIn(relative(directory, path)) === split);
  const named = { train: of('train'), validation: of('validation'), test: of('test') };
  return Object.values(named).flat().length > 0 ? named : { ...named, train: of(null) };
}

/**
 * A `data` section with the splits of a dataset of Hugging Face in place of its directory. Files that the section gives for
 * a split are those of the split; a fraction is for a dataset that has not got the split itself.
 * @throws DATA_PATH_REFUSED, DATA_FILE_INVALID
 */
export function withDataset(data: DataSection, roots: Roots): DataSection {
  const [directory, ...others] = [data.files ?? []].flat();
  if (directory === undefined || others.length > 0) return data;
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) return data;
  requireWithin(directory, roots);
  const found = datasetIn(directory, roots);
  if (found === null) return data;
  const split = (given: DataSection['test'], own: readonly string[]) =>
    own.length > 0 && (given === undefined || typeof given === 'number') ? [...own] : given;
  const validation = split(data.validation, found.validation);
  const test = split(data.test, found.test);
  return {
    ...data,
    files: [...found.train],
    ...(validation === undefined ? {} : { validation }),
    ...(test === undefined ? {} : { test }),
  };
}

/** Files of a dataset that `save_to_disk` has written. */
function savedFiles(directory: string, roots: Roots): string[] {
  const state = z.object({ _data_files: z.array(z.object({ filename: z.string() })) });
  const { _data_files: files } = described(join(directory, 'state.json'), state, roots);
  return files.map(({ filename }) => join(directory, basename(filename)));
}

/** Files in a directory whose extension names a format, in the order of their names. */
function dataFiles(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
    .filter(({ name }) => !descriptions.includes(name) && !/\.md$/i.test(name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => formatNamedBy(path) !== undefined)
    .sort();
}

/** The split that a path has in the name of the file or, where not there, of the nearest folder. */
function splitIn(path: string): DataSplit | null {
  for (const name of path.split(sep).reverse()) {
    const words = name.toLowerCase().split(/[^a-z]+/);
    for (const [split, names] of Object.entries(keywords))
      if (words.some((word) => names.includes(word))) return split as DataSplit;
  }
  return null;
}

function described<T>(path: string, schema: z.ZodType<T>, roots: Roots): T {
  requireWithin(path, roots);
  try {
    return schema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause);
    const detail = { path, format: 'a dataset of Hugging Face', reason };
    throw new RingmasterError('DATA_FILE_INVALID', detail, { cause });
  }
}
