import { statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from '@ringmaster/testing';
import { beforeAll, expect, it, vi } from 'vitest';
import { ringmasterHome } from './home.js';
import { makeHomeDirectory } from './make-directory.js';

const root = temporaryDirectory();

beforeAll(() => {
  writeFileSync(join(root, 'file'), '');
  symlinkSync('nowhere', join(root, 'dangling'));
});

it('makes every level, the last with its mode, and accepts what is there', () => {
  const path = join(root, 'a/b/c');
  makeHomeDirectory(path, 0o700);
  makeHomeDirectory(path, 0o755);
  expect(statSync(path).mode & 0o777).toBe(0o700);
});

it.each(['/proc/ringmaster', '/proc/ringmaster/deeper', 'file', 'file/x', 'file/x/y', 'dangling'])(
  'refuses %s',
  (where) => {
    const path = where.startsWith('/') ? where : join(root, where);
    expect(() => {
      makeHomeDirectory(path);
    }).toThrow(expect.objectContaining({ code: 'HOME_NOT_WRITABLE' }));
  },
);

it('is not asked for by an empty name', () => {
  vi.stubEnv('RINGMASTER_HOME', undefined);
  const { root: usual } = ringmasterHome();
  vi.stubEnv('RINGMASTER_HOME', '');
  expect(ringmasterHome('').root).toBe(usual);
  vi.stubEnv('RINGMASTER_HOME', root);
  expect(ringmasterHome().root).toBe(root);
  vi.unstubAllEnvs();
});
