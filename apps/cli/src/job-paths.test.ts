import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from '@ringmaster/testing';
import { parseJobSpec } from '@ringmaster/protocol';
import { describe, expect, it } from 'vitest';
import { withAbsolutePaths } from './job-paths.js';

const top = temporaryDirectory();
const job = {
  kind: 'pretrain',
  name: 'paths',
  model: { architecture: 'bert', layers: 1, hidden: 16, heads: 2, context: 32 },
  tokenizer: { algorithm: 'wordpiece', vocabulary: 300 },
  objective: 'masked-language-model',
  optimizer: { learningRate: 1e-3 },
  batch: { sequences: 4, microbatches: 2 },
  steps: 1,
};

/** Names of the files that `files` of a job file in this folder means. */
async function found(folder: string, files: string | string[]): Promise<string[]> {
  const spec = parseJobSpec({ ...job, data: { files } });
  const { data } = withAbsolutePaths(spec, join(top, folder));
  const patterns = [data.files ?? []].flat();
  const { openFiles } = await import('@ringmaster/data');
  return (await openFiles(patterns, {})).files.map(({ path }) => path.slice(top.length + 1));
}

describe('paths of a job file', () => {
  for (const folder of ['run [v2] (copy)/texts', 'data[12]', 'data1', '{a,b}!', 'a\\b*?'])
    mkdirSync(join(top, folder), { recursive: true });
  for (const file of [
    'run [v2] (copy)/texts/a (1).txt',
    'run [v2] (copy)/b.txt',
    'data[12]/c.txt',
    'data1/d.txt',
    '{a,b}!/e.txt',
    'a\\b*?/f.txt',
  ])
    writeFileSync(join(top, file), 'x');

  it.each([
    ['run [v2] (copy)', 'texts/*.txt', ['run [v2] (copy)/texts/a (1).txt']],
    ['run [v2] (copy)', ['texts/a (1).txt'], ['run [v2] (copy)/texts/a (1).txt']],
    ['run [v2] (copy)/texts', '../b.*', ['run [v2] (copy)/b.txt']],
    ['run [v2] (copy)', '../data1/./*.txt', ['data1/d.txt']],
    ['data[12]', '*.txt', ['data[12]/c.txt']],
    ['data[12]', '.', ['data[12]/c.txt']],
    ['data1', '*.{txt,md}', ['data1/d.txt']],
    ['{a,b}!', './*.txt', ['{a,b}!/e.txt']],
    ['a\\b*?', '*.txt', ['a\\b*?/f.txt']],
    ['run [v2] (copy)', ['.', '!texts'], ['run [v2] (copy)/b.txt']],
    ['run [v2] (copy)', ['**', '!**/b.*'], ['run [v2] (copy)/texts/a (1).txt']],
  ])('in %s, %j', async (folder, files, expected) => {
    expect(await found(folder, files)).toEqual(expected);
  });

  it('leaves URLs as they are', () => {
    const files = ['https://host/a.jsonl#sha256=00', 's3://bucket/texts/*.txt'];
    const spec = parseJobSpec({ ...job, data: { files, test: 's3://bucket/test/' } });
    expect(withAbsolutePaths(spec, top).data).toMatchObject({ files, test: 's3://bucket/test/' });
  });
});
