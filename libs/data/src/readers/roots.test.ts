import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { temporaryDirectory } from '@ringmaster/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openFiles } from './source.js';
import { requireWithin } from './roots.js';

const top = temporaryDirectory();
const root = join(top, 'data');
for (const folder of ['data/texts', 'data-other', 'secret'])
  mkdirSync(join(top, folder), { recursive: true });
for (const file of ['data/a.txt', 'data/texts/b.txt', 'data-other/c.txt', 'secret/d.txt'])
  writeFileSync(join(top, file), 'some words');
symlinkSync(join(top, 'secret'), join(root, 'out'));
symlinkSync(join(top, 'secret/d.txt'), join(root, 'texts/link.txt'));
symlinkSync('texts', join(root, 'in'));
symlinkSync(root, join(top, 'alias'));

const isWithin = (path: string): boolean => {
  try {
    requireWithin(path, [root]);
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: 'DATA_PATH_REFUSED' });
    return false;
  }
};

describe('requireWithin', () => {
  it.each([
    ['data', true],
    ['data/a.txt', true],
    ['data/in/b.txt', true],
    ['data/missing/deep.txt', true],
    ['data/**/*.txt', true],
    ['alias/a.txt', true],
    ['data-other/c.txt', false],
    ['secret/d.txt', false],
    ['data/out', false],
    ['data/out/d.txt', false],
    ['data/out/missing.txt', false],
    ['data/out/*.txt', false],
    ['data/texts/link.txt', false],
    ['', false],
    ['missing', false],
  ])('%s is within: %s', (path, expected) => {
    expect(isWithin(join(top, path))).toBe(expected);
  });

  it.each([
    'texts/../../secret/d.txt',
    '{texts,../../secret}/*.txt',
    '*/../../secret',
    '@(..|x)/s',
  ])('refuses what leads upwards: %s', (pattern) => {
    expect(isWithin(`${root}/${pattern}`)).toBe(false);
  });

  it('lets nothing pass whose real path is elsewhere', () => {
    const parts = fc.constantFrom('data', 'texts', 'out', 'in', 'alias', 'secret', '.', '..', '');
    const ends = fc.constantFrom('a.txt', 'b.txt', 'c.txt', 'd.txt', 'link.txt', '');
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 6 }), ends, (folders, end) => {
        const path = [top, ...folders, end].join('/');
        if (!isWithin(path)) return;
        let real: string;
        try {
          real = realpathSync(resolve(path));
        } catch {
          return; // It does not exist.
        }
        expect(`${real}/`.startsWith(`${root}/`)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['https://data.example/texts/a.jsonl#sha256=0', true],
    ['HTTPS://DATA.example:443/texts/sub/../a.jsonl', true],
    ['https://data.example/texts', false],
    ['https://data.example/texts-other/a.jsonl', false],
    ['https://data.example/texts/../a.jsonl', false],
    ['https://data.example/texts/%2e%2e/a.jsonl', false],
    ['https://data.example/texts/..%2fa.jsonl', false],
    ['https://data.example/texts\\..\\a.jsonl', false],
    ['http://data.example/texts/a.jsonl', false],
    ['https://data.example:8443/texts/a.jsonl', false],
    ['https://data.example.evil.example/texts/a.jsonl', false],
    ['https://data.example@evil.example/texts/a.jsonl', false],
    ['https://open.example/anything', true],
    ['s3://bucket/texts/a.jsonl', true],
    ['s3://bucket/texts/*.jsonl', true],
    ['s3://bucket/texts/../a.jsonl', true], // Keys are no paths.
    ['s3://bucket/te*', false],
    ['s3://bucket', false],
    ['s3://bucket-other/texts/a.jsonl', false],
    ['s3://keys/texts', true],
    ['s3://keys/texts/a#b.jsonl', true],
    ['s3://keys/texts#private/', false],
    ['s3://whole/any', true],
    ['s3://whole', true],
    ['file:///etc/passwd', false],
    ['texts/a.jsonl', false],
  ])('of URLs, %s is within: %s', (location, expected) => {
    const places = [
      'https://data.example/texts/',
      'https://open.example',
      's3://bucket/texts/',
      's3://keys/texts',
      's3://whole',
    ];
    const check = () => {
      requireWithin(location, places);
    };
    if (expected) check();
    else expect(check).toThrow(expect.objectContaining({ code: 'DATA_PATH_REFUSED' }));
  });

  it('tells of no password in what it refuses', () => {
    const refused = () => {
      requireWithin('https://me:secret@host/a?key=secret#secret', [root, 's3://me:secret@b/x/']);
    };
    const roots = [root, 's3://b/x/'];
    expect(refused).toThrow(expect.objectContaining({ detail: { path: 'https://host/a', roots } }));
  });

  it('refuses everything where there is no root, and nothing where there are no bounds', () => {
    expect(() => {
      requireWithin(root, []);
    }).toThrow(/no directory to read data from/);
    requireWithin('/', null);
  });
});

describe('files of a pattern', () => {
  it('are refused where a link among them leads out', async () => {
    const inside = await openFiles([`${root}/*.txt`], {}, [root]);
    expect(inside.files.map(({ name }) => name)).toEqual(['a.txt']);
    for (const pattern of ['texts/*.txt', 'out/*.txt', 'texts/link.txt', '**'])
      await expect(openFiles([`${root}/${pattern}`], {}, [root])).rejects.toMatchObject({
        code: 'DATA_PATH_REFUSED',
      });
  });
});
