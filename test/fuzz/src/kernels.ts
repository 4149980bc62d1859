import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheRoot } from '@ringmaster/tensorflow';

const folder = fileURLToPath(new URL('../../../libs/tensorflow/', import.meta.url));
const FLAGS =
  '-std=c++17 -O1 -g1 -w -Wno-psabi -fopenmp -fsanitize=address,undefined -fno-sanitize-recover=all'.split(
    ' ',
  );
const LEVELS = ['baseline.cc', 'v3.cc', 'v4.cc'];

/**
 * Runs the native kernels on random extents under the sanitisers of GCC, at every level that this processor has.
 * @returns what the program tells
 * @throws Error with the report of the sanitiser
 */
export function sanitise(rounds: number, seed: number): string {
  const { status, stdout, stderr } = spawnSync(program(), [String(rounds), String(seed)], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${stdout}${stderr}`);
  return stdout.trim();
}

/** The test's program, compiled (15 s) when a source has changed; it is kept where provisioning keeps its own. */
function program(): string {
  const native = join(folder, 'native');
  const harness = join(folder, 'sanitiser');
  const hash = createHash('sha256').update(FLAGS.join(' '));
  for (const file of [
    join(harness, 'kernels.cc'),
    ...readdirSync(native)
      .sort()
      .map((name) => join(native, name)),
  ])
    hash.update(readFileSync(file));
  const directory = join(cacheRoot(), 'sanitised');
  const path = join(directory, hash.digest('hex').slice(0, 16));
  if (existsSync(path)) return path;
  mkdirSync(directory, { recursive: true });
  const sources = [join(harness, 'kernels.cc'), ...LEVELS.map((name) => join(native, name))];
  const unfinished = `${path}.${process.pid}`;
  const { status, stderr } = spawnSync(
    'g++',
    [...FLAGS, '-I', harness, ...sources, '-o', unfinished],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(stderr);
  renameSync(unfinished, path);
  return path;
}
