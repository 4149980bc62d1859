import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { RingmasterError } from '@ringmaster/protocol';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkSources, openSources } from './request.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ringmaster-sources-'));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

async function codeOf(work: Promise<unknown>): Promise<string | null> {
  try {
    await work;
    return null;
  } catch (error) {
    if (error instanceof RingmasterError) return (error as RingmasterError).code;
    throw error;
  }
}

const JOB_FILE = '{"kind": "pretrain", "data": {"files": "."}}';
const names = ['a.txt', 'b.csv', '.hidden.txt', 'c.xyz', 'job.json', 'sub/d.txt', 'sub/.e/f.txt'];
const patterns = [...names, 'none.txt', '*', '*.txt', 'sub', 'sub/*', '**', '[x].txt', 'link.txt'];

describe('sources that are checked before they are read', () => {
  it('are refused only where reading them is refused, and always where files are missing', async () => {
    const layout = fc.record({
      present: fc.uniqueArray(
        fc.record({
          name: fc.constantFrom(...names, 'link.txt'),
          how: fc.constantFrom('some', 'empty', 'dangling'),
        }),
        { selector: ({ name }) => name, maxLength: 5 },
      ),
      files: fc.array(fc.constantFrom(...patterns), { minLength: 1, maxLength: 2 }),
      test: fc.option(fc.constantFrom(...patterns), { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(layout, async ({ present, files, test }) => {
        rmSync(root, { recursive: true });
        mkdirSync(root);
        for (const { name, how } of present) {
          const path = join(root, name);
          mkdirSync(dirname(path), { recursive: true });
          const text = name === 'job.json' ? JOB_FILE : 'text';
          if (how === 'dangling') symlinkSync(join(root, 'nowhere'), path);
          else writeFileSync(path, how === 'empty' ? '' : text);
        }
        const data = {
          files: files.map((pattern) => join(root, pattern)),
          ...(test === undefined ? {} : { test: join(root, test) }),
        };
        const checked = await codeOf(checkSources(data, null));
        const opened = await codeOf(openSources({ data }, null));
        if (checked !== null) expect(opened).not.toBeNull();
        if (opened === 'DATA_NO_FILES') expect(checked).not.toBeNull();
      }),
      { numRuns: 150, seed: 7 },
    );
  });

  it.each([
    ['gone.txt', 'DATA_NO_FILES'],
    ['*.csv', 'DATA_NO_FILES'],
    ['.h*', null],
    ['*.txt', 'DATA_NO_FILES'],
    ['empty.jsonl', 'DATA_FILE_EMPTY'],
    ['data.xyz', 'DATA_FORMAT_UNKNOWN'],
  ])('%s is answered with %s', async (pattern, code) => {
    writeFileSync(join(root, '.hidden.txt'), 'text');
    writeFileSync(join(root, 'empty.jsonl'), '');
    writeFileSync(join(root, 'data.xyz'), 'text');
    const data = { files: join(root, pattern) };
    expect(await codeOf(checkSources(data, null))).toBe(code);
    expect(await codeOf(openSources({ data }, null))).toBe(code);
  });

  it.each([
    ['https://host/a.jsonl', 'DATA_LOCATION_INVALID'],
    ['hf://datasets/imdb', 'DATA_LOCATION_INVALID'],
    [`https://host/a.xyz#sha256=${'0'.repeat(64)}`, 'DATA_FORMAT_UNKNOWN'],
    [`https://host/a.jsonl#sha256=${'0'.repeat(64)}`, null],
    ['s3://bucket/a.tar.zst', null],
    ['s3://bucket/a.xyz', 'DATA_FORMAT_UNKNOWN'],
    ['s3://bucket/texts/', null],
  ])('%s is answered with %s, and nobody is asked for it', async (entry, code) => {
    expect(await codeOf(checkSources({ files: entry }, null))).toBe(code);
    expect(await codeOf(checkSources({ files: [entry] }, [root]))).toBe(
      code === 'DATA_LOCATION_INVALID' ? code : 'DATA_PATH_REFUSED',
    );
  });

  it('asks no files of a corpus that has a name', async () => {
    await expect(checkSources({ corpus: 'spam-assassin' }, null)).resolves.toBeUndefined();
  });

  it('are not looked for outside the roots', async () => {
    const outside = join(root, 'out/secret.txt');
    mkdirSync(dirname(outside));
    mkdirSync(join(root, 'in'));
    writeFileSync(outside, '');
    symlinkSync(outside, join(root, 'in/link.txt'));
    for (const files of [outside, join(root, 'in/*.txt')])
      expect(await codeOf(checkSources({ files }, [join(root, 'in')]))).toBe('DATA_PATH_REFUSED');
  });
});
