import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  eventually,
  isAlive,
  temporaryDirectory,
  untilGone,
  withTemporaryDirectory,
} from './index.js';

describe('eventually', () => {
  it('returns what is found in the end', async () => {
    let looks = 0;
    expect(await eventually('the third look', () => (++looks === 3 ? looks : null))).toBe(3);
  });

  it('names what never happens', async () => {
    await expect(eventually('rain', () => false, 0)).rejects.toThrow('never happened: rain');
  });
});

describe('temporary directories', () => {
  const outer: string[] = [];

  describe('of some tests', () => {
    const directory = temporaryDirectory();
    outer.push(directory);

    it('are there while these run', () => {
      writeFileSync(join(directory, 'file'), '');
    });
  });

  it('are gone afterwards', () => {
    expect(outer.map((directory) => existsSync(directory))).toEqual([false]);
  });

  it('are gone when what needed them has failed', async () => {
    let made = '';
    const failing = withTemporaryDirectory((directory) => {
      made = directory;
      return Promise.reject(new Error('it failed'));
    });
    await expect(failing).rejects.toThrow('it failed');
    expect(existsSync(made)).toBe(false);
  });
});

describe('untilGone', () => {
  it('waits for the end of a process', async () => {
    const child = spawn(process.execPath, ['-e', 'setTimeout(() => undefined, 20)']);
    const pid = child.pid ?? 0;
    expect(isAlive(pid)).toBe(true);
    await untilGone(pid);
    expect(child.exitCode).toBe(0);
  });
});
