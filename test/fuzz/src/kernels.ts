import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheRoot } from '@ringmaster/tensorflow';

const libs = fileURLToPath(new URL('../../../libs/', import.meta.url));
const FLAGS =
  '-std=c++17 -O1 -g1 -w -Wno-psabi -fopenmp -fsanitize=address,undefined -fno-sanitize-recover=all'.split(
    ' ',
  );

/** A program that runs native code on random arguments. */
interface Harness {
  /** Source files, the program's own first. */
  readonly sources: readonly string[];
  /** Folders of what is included. */
  readonly folders: readonly string[];
  readonly flags: readonly string[];
}

/** Kernels of TensorFlow's operations, and the loops over a trainer's memory. */
const HARNESSES: readonly Harness[] = [
  {
    sources: [
      'tensorflow/sanitiser/kernels.cc',
      'tensorflow/native/baseline.cc',
      'tensorflow/native/v3.cc',
      'tensorflow/native/v4.cc',
    ],
    folders: ['tensorflow/sanitiser', 'tensorflow/native'],
    flags: [],
  },
  {
    sources: ['base/sanitiser/loops.cc'],
    folders: ['base/native', 'allreduce/native', 'model/native'],
    flags: ['-ffp-contract=off', '-fno-math-errno', '-fno-trapping-math'],
  },
];

/**
 * Runs native code on random extents under the sanitisers of GCC, at every level that this processor has.
 * @returns what the programs tell
 * @throws Error with the report of the sanitiser
 */
export function sanitise(rounds: number, seed: number): string {
  return HARNESSES.map((harness) => {
    const { status, stdout, stderr } = spawnSync(
      programOf(harness),
      [String(rounds), String(seed)],
      { encoding: 'utf8' },
    );
    if (status !== 0) throw new Error(`${stdout}${stderr}`);
    return stdout.trim();
  }).join('\n');
}

/** A harness's program, compiled (5 to 15 s) when a source has changed; it is kept where provisioning keeps its own. */
function programOf(harness: Harness): string {
  const flags = [...FLAGS, ...harness.flags];
  const sources = harness.sources.map((file) => join(libs, file));
  const folders = harness.folders.map((folder) => join(libs, folder));
  const hash = createHash('sha256').update(flags.join(' '));
  for (const file of new Set([...sources, ...folders.flatMap(filesIn)]))
    hash.update(readFileSync(file));
  const directory = join(cacheRoot(), 'sanitised');
  const path = join(directory, hash.digest('hex').slice(0, 16));
  if (existsSync(path)) return path;
  mkdirSync(directory, { recursive: true });
  const unfinished = `${path}.${process.pid}`;
  const include = folders.map((folder) => `-I${folder}`);
  const { status, stderr } = spawnSync(
    'g++',
    [...flags, ...include, ...sources, '-o', unfinished],
    {
      encoding: 'utf8',
    },
  );
  if (status !== 0) throw new Error(stderr);
  renameSync(unfinished, path);
  return path;
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => join(folder, name))
    .sort();
}
