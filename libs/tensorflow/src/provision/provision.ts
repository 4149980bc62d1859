import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rename, rm, stat, symlink } from 'node:fs/promises';
import { readlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { RingmasterError } from '@ringmaster/protocol';
import { lock } from 'proper-lockfile';

import { buildFolder, cacheRoot, downloadsFolder, platform } from './cache.js';
import { BINDING_PATH, compileBinding } from './compile.js';
import { fetchWheel } from './download.js';
import { removeLeftovers } from './leftovers.js';
import { checkManifest, damagedFile, hashFile, writeManifest, type Manifest } from './manifest.js';
import type { Report } from './progress.js';
import { bindingLink } from './provisioned.js';
import { sourceHash } from './sources.js';
import { unpackWheel } from './unpack.js';
import { TENSORFLOW_VERSION, wheels, type Variant, type Wheel } from './wheels.js';

export interface ProvisionOptions {
  readonly variant: Variant;
  /** Compare the hashes of a build that is there already, not only its sizes, and mend it. */
  readonly verify: boolean;
  readonly report: Report;
  readonly signal?: AbortSignal;
}

/**
 * Makes TensorFlow loadable by `@tensorflow/tfjs-node-gpu`: its libraries are taken from the wheels of the Python
 * package index into the user's cache, the package's binding is compiled against them with our kernels, and the package is
 * linked to it. Nothing is written outside the cache but that link. A run that is killed leaves nothing half done, and runs at
 * the same time wait for each other.
 *
 * @returns the folder of the build
 * @throws TENSORFLOW_PLATFORM_UNSUPPORTED, TENSORFLOW_PIP_MISSING, TENSORFLOW_COMPILER_MISSING,
 *   TENSORFLOW_DOWNLOAD_FAILED, TENSORFLOW_WHEEL_DAMAGED, TENSORFLOW_COMPILE_FAILED, TENSORFLOW_CACHE_UNWRITABLE
 */
export async function provision(options: ProvisionOptions): Promise<string> {
  const root = cacheRoot();
  const folder = buildFolder(root, options.variant);
  try {
    if (options.verify || 'reason' in checkManifest(folder))
      await buildLocked(root, folder, options);
    await link(folder);
  } catch (error) {
    throw asUnwritable(error);
  }
  return folder;
}

async function buildLocked(root: string, folder: string, options: ProvisionOptions): Promise<void> {
  const pinned = pinnedWheels(options.variant);
  await mkdir(dirname(folder), { recursive: true });
  const release = await exclusive(folder, options);
  try {
    if (await isWhole(folder, options)) return;
    await build(root, folder, pinned, options);
  } finally {
    await release();
  }
}

function pinnedWheels(variant: Variant): readonly Wheel[] {
  const pinned = wheels[variant][platform];
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  if (pinned === undefined || report.header?.glibcVersionRuntime === undefined) {
    throw new RingmasterError('TENSORFLOW_PLATFORM_UNSUPPORTED', { platform, variant });
  }
  return pinned;
}

/** Takes the lock of a build; a holder that was killed loses it after ten seconds. */
async function exclusive(
  folder: string,
  { report, signal }: ProvisionOptions,
): Promise<() => Promise<void>> {
  for (;;) {
    try {
      // A lock lost to a stopped process costs work, not correctness: builds are renamed into place whole.
      return await lock(folder, { realpath: false, onCompromised: () => undefined });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ELOCKED') throw error;
      report({ phase: 'waiting for another provisioning', done: 0, total: 0 });
      await sleep(500, undefined, signal === undefined ? {} : { signal });
    }
  }
}

async function isWhole(folder: string, { verify, report }: ProvisionOptions): Promise<boolean> {
  const manifest = checkManifest(folder);
  if ('reason' in manifest) return false;
  if (!verify) return true;
  const total = Object.values(manifest.files).reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  const damaged = await damagedFile(folder, manifest, (count) => {
    done += count;
    report({ phase: 'verifying', done, total });
  });
  return damaged === null;
}

async function build(
  root: string,
  folder: string,
  pinned: readonly Wheel[],
  { variant, report, signal }: ProvisionOptions,
): Promise<void> {
  const partial = await emptyPartial(folder);
  try {
    let files: Manifest['files'] = {};
    for (const wheel of pinned) {
      const path = await fetchWheel(downloadsFolder(root), wheel, report, signal);
      files = { ...files, ...(await unpackWheel(path, partial, report, signal)) };
    }
    report({ phase: 'compiling the binding and the kernels (about 30 s)', done: 0, total: 0 });
    await compileBinding(partial, signal);
    await rm(join(partial, 'tensorflow/include'), { recursive: true });
    const binding = join(partial, BINDING_PATH);
    const { size: bytes } = await stat(binding);
    files[BINDING_PATH] = { bytes, sha256: await hashFile(binding, () => undefined) };
    await writeManifest(partial, {
      tensorflow: TENSORFLOW_VERSION,
      sources: sourceHash(),
      variant,
      platform,
      files,
    });
    await rm(folder, { recursive: true, force: true });
    await rename(partial, folder);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

/** A fresh folder to build in, beside the place where the build will lie. */
async function emptyPartial(folder: string): Promise<string> {
  const prefix = `.partial-${basename(folder)}-`;
  await removeLeftovers(dirname(folder), prefix);
  const partial = await mkdtemp(join(dirname(folder), prefix));
  await chmod(partial, 0o755);
  return partial;
}

/** Points the package at the build, by a rename, so that a loader never finds no link. */
async function link(folder: string): Promise<void> {
  const path = bindingLink();
  const target = join(folder, BINDING_PATH);
  if (currentTarget(path) === target) return;
  await mkdir(dirname(path), { recursive: true });
  const fresh = `${path}.${randomBytes(6).toString('hex')}`;
  await symlink(target, fresh);
  await rename(fresh, path);
}

function currentTarget(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

const UNWRITABLE = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'ENOTDIR']);

function asUnwritable(error: unknown): unknown {
  const { code, path, message } = error as NodeJS.ErrnoException;
  if (code === undefined || !UNWRITABLE.has(code)) return error;
  return new RingmasterError(
    'TENSORFLOW_CACHE_UNWRITABLE',
    { path: path ?? cacheRoot(), reason: message },
    { cause: error },
  );
}
