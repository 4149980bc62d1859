import { chmodSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ringmasterHome } from '@ringmaster/base';
import { temporaryDirectory } from '@ringmaster/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { readCredentials } from './credentials.js';

describe('credentials of a home', () => {
  let home = ringmasterHome('');
  beforeEach(() => {
    home = ringmasterHome(temporaryDirectory());
  });

  it('are made for its owner alone, and kept', () => {
    expect(readCredentials(home, false)).toBeNull();
    const made = readCredentials(home, true);
    expect(readCredentials(home, false)).toEqual(made);
    expect(statSync(home.keys).mode & 0o777).toBe(0o700);
    const files = [home.token, ...readdirSync(home.keys).map((name) => join(home.keys, name))];
    expect(files).toHaveLength(6);
    for (const file of files) expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('are read and nothing else where all of them are there, as they may be mounted', () => {
    const made = readCredentials(home, true);
    chmodSync(home.keys, 0o750);
    const before = statSync(home.keys);
    expect(readCredentials(home, true)).toEqual(made);
    expect(statSync(home.keys)).toMatchObject({ mode: before.mode, mtimeMs: before.mtimeMs });
  });

  it('are made as far as they are missing', () => {
    const made = readCredentials(home, true);
    rmSync(join(home.keys, 'join.token'));
    const again = readCredentials(home, true);
    expect(again).toEqual({ ...made, join: again?.join });
    expect(again?.join).not.toBe(made?.join);
  });
});
