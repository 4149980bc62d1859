import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

const PREFIX = join(tmpdir(), 'ringmaster-');

/**
 * Makes a directory for the tests of a file, or of the `describe` that calls this: it goes, with all that it holds, when
 * they have ended.
 * @returns Its real path, without links.
 */
export function temporaryDirectory(): string {
  const directory = realpathSync(mkdtempSync(PREFIX));
  afterAll(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  return directory;
}

/** Runs `body` with a directory of its own, which goes when it has ended. */
export async function withTemporaryDirectory<Result>(
  body: (directory: string) => Promise<Result>,
): Promise<Result> {
  const directory = await realpath(await mkdtemp(PREFIX));
  try {
    return await body(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
