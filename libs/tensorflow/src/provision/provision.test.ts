import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { processor } from '../runtime/processor.js';
import { buildFolder, cacheRoot } from './cache.js';
import { checkManifest, damagedFile, hashFile, writeManifest, type Manifest } from './manifest.js';
import { progressLine, progressPrinter } from './progress.js';
import { memberKind, wheels } from './wheels.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'provision-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** Runs the script as a user does, with a cache of its own; nothing in these cases reaches a network. */
function runScript(
  given: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<{ code: number; stderr: string }> {
  const script = join(dirname(fileURLToPath(import.meta.url)), 'provision.process.js');
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [script, ...given],
      { env: { ...process.env, RINGMASTER_CACHE: folder, ...environment } },
      (error, _stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stderr });
      },
    );
  });
}

test('a missing Python, an index out of reach and a damaged wheel each name their remedy and leave nothing', async () => {
  const tools = join(folder, 'tools');
  await mkdir(tools);
  const noPython = await runScript([], { PATH: tools });
  expect(noPython.code).toBe(1);
  expect(noPython.stderr).toContain('TENSORFLOW_PIP_MISSING');

  const index = { PIP_NO_INDEX: '1', PIP_FIND_LINKS: tools };
  const noNetwork = await runScript([], index);
  expect(noNetwork.code).toBe(1);
  expect(noNetwork.stderr).toContain('TENSORFLOW_DOWNLOAD_FAILED');
  expect(await readdir(join(folder, 'downloads'))).toEqual([]);
  expect(await readdir(join(folder, 'tensorflow'))).toEqual([]);

  const [wheel] = wheels.cpu[`${process.platform}-${process.arch}`]!;
  await writeFile(join(folder, 'downloads', wheel!.file), 'not a wheel');
  const damaged = await runScript([], index);
  expect(damaged.code).toBe(1);
  expect(damaged.stderr).toContain('TENSORFLOW_WHEEL_DAMAGED');
  expect(damaged.stderr).toContain('Delete that file');
});

test('a cache that cannot be written is an error with a remedy', async () => {
  const { code, stderr } = await runScript([], { RINGMASTER_CACHE: '/dev/null' });
  expect(code).toBe(1);
  expect(stderr).toContain('TENSORFLOW_CACHE_UNWRITABLE');
  expect(stderr).toContain('RINGMASTER_CACHE');
});

test('an unknown option is a usage error', async () => {
  expect((await runScript(['--cuda'], {})).code).toBe(2);
});

test('a build is whole only while every file of its manifest has its size, and verified by hash', async () => {
  const path = join(folder, 'library.so');
  await writeFile(path, 'abcd');
  const manifest: Manifest = {
    tensorflow: '2',
    sources: '4',
    variant: 'cpu',
    platform: 'linux-x64',
    files: { 'library.so': { bytes: 4, sha256: await hashFile(path, () => undefined) } },
  };
  expect(checkManifest(folder)).toHaveProperty('reason');
  await writeManifest(folder, manifest);
  expect(checkManifest(folder)).toEqual(manifest);
  expect(await damagedFile(folder, manifest, () => undefined)).toBeNull();
  await writeFile(path, 'abce');
  expect(checkManifest(folder)).toEqual(manifest);
  expect(await damagedFile(folder, manifest, () => undefined)).toBe(path);
  await writeFile(path, 'abc');
  expect(checkManifest(folder)).toHaveProperty('reason');
  await rm(path);
  await symlink('/nonexistent', path);
  expect(checkManifest(folder)).toHaveProperty('reason');
});

test('the cache is where the environment says', () => {
  expect(cacheRoot({ RINGMASTER_CACHE: '/a/b', XDG_CACHE_HOME: '/c' })).toBe('/a/b');
  expect(cacheRoot({ XDG_CACHE_HOME: '/c' })).toBe('/c/ringmaster');
  expect(cacheRoot({})).toMatch(/\/\.cache\/ringmaster$/);
  expect(buildFolder('/c', 'cpu')).not.toBe(buildFolder('/c', 'gpu'));
});

test('of a wheel only libraries and the headers of the C interface are used', () => {
  expect(memberKind('tensorflow/libtensorflow_cc.so.2')).toBe('library');
  expect(memberKind('nvidia/cublas/lib/libcublas.so.12')).toBe('library');
  expect(memberKind('nvidia/cuda_nvcc/bin/ptxas')).toBe('library');
  expect(memberKind('tensorflow/include/tensorflow/c/c_api.h')).toBe('header');
  expect(memberKind('tensorflow/include/tensorflow/core/framework/op.h')).toBe('unused');
  expect(memberKind('tensorflow/python/_pywrap_tfe.so')).toBe('unused');
});

test('progress has percent and ETA; without a terminal it is a line a tenth', () => {
  expect(progressLine({ phase: 'x', done: 25e6, total: 100e6 }, 5_000)).toBe(
    'x: 25% 25/100 MB, 15s left',
  );
  expect(progressLine({ phase: 'x', done: 0, total: 0 }, 0)).toBe('x');
  const lines: string[] = [];
  const stream = { isTTY: false, write: (text: string) => lines.push(text) };
  const report = progressPrinter(stream as unknown as NodeJS.WriteStream, () => 0);
  report({ phase: 'start', done: 0, total: 0 });
  for (let done = 0; done <= 1000; done++) report({ phase: 'work', done, total: 1000 });
  expect(lines).toHaveLength(12);
  expect(lines.at(-1)).toBe('work: 100% 0/0 MB\n');
});

test('processor features are those that decide numerics, in a fixed order', () => {
  const cpuinfo = 'model name\t: Some CPU\nflags\t\t: fpu fma avx2 avx avx512_bf16 smx\n';
  expect(processor(cpuinfo)).toEqual({
    model: 'Some CPU',
    features: ['avx', 'avx2', 'fma', 'avx512_bf16'],
  });
});
