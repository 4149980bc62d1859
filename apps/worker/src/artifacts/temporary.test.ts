import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ownIdentity, startTimeOf } from '@ringmaster/base';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withTemporaryDirectory } from './temporary.js';

// Beyond the largest process id of Linux.
const GONE = 2 ** 22 + 1;

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'ringmaster-temporary-'));
});
afterEach(() => rm(root, { recursive: true }));

describe('a temporary directory', () => {
  it('is gone afterwards, whether what used it failed or not', async () => {
    const use = (directory: string) => writeFile(join(directory, 'file'), 'content');
    await withTemporaryDirectory(root, use);
    const failing = withTemporaryDirectory(root, async (directory) => {
      await use(directory);
      throw new Error('failed');
    });
    await expect(failing).rejects.toThrow('failed');
    expect(await readdir(root)).toEqual([]);
  });

  it('is removed by the next process when its own was killed, and not when it lives or runs elsewhere', async () => {
    const { namespace } = ownIdentity();
    const parent = startTimeOf(process.ppid) ?? 0;
    const named = (...parts: (string | number)[]) => join(root, parts.join('-'));
    const [alive, elsewhere] = [
      named(process.ppid, parent, namespace, 'a'),
      named(GONE, 1, 'another', 'b'),
    ];
    const [left, earlier] = [
      named(GONE, 1, namespace, 'c'),
      named(process.ppid, parent - 1, namespace, 'd'),
    ];
    await Promise.all([alive, elsewhere, left, earlier].map((path) => mkdir(path)));
    await withTemporaryDirectory(root, async () => {
      const others = (await readdir(root)).filter((name) => !name.startsWith(`${process.pid}-`));
      expect(others.map((name) => join(root, name)).sort()).toEqual([alive, elsewhere].sort());
    });
  });
});
