import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { BlobStore, openSpamAssassin, prepareData } from '@ringmaster/data';
import { peerCommand, peerPython } from '../peer.js';
import { ratesOf, rowOf, type Findings, type Pace } from '../report.js';
import { compareSides, describeTurns } from './sides.js';

/**
 * Mails to token shards, beside Python's datasets and tokenizers: the same mails, cleaning rules, MinHash bands and
 * `tokenizer.json`, which is trained beforehand.
 */
export async function data({ rounds }: Pace): Promise<Findings> {
  // What it is compared with is looked for before anything is prepared, which takes minutes.
  await peerPython('data');
  const root = await mkdtemp(join(tmpdir(), 'ringmaster-bench-'));
  try {
    const tokenizer = await trainedTokenizer(root);
    const { files } = await openSpamAssassin();
    const sizes = await Promise.all(files.map(async ({ path }) => (await stat(path)).size));
    const megabytes = sizes.reduce((sum, size) => sum + size, 0) / 1e6;
    const folders = [...new Set(files.map(({ path }) => dirname(path)))];
    const request = { data: { corpus: 'spam-assassin' }, tokenizerFile: tokenizer };
    const { turns, versions } = await compareSides(root, rounds, {
      ours: request,
      peer: await peerCommand('data.py', { tokenizer, folders }, { peers: 'data' }),
    });
    const rates = (side: string) => ratesOf(turns.get(side), megabytes);
    return {
      benchmark: 'data',
      versions,
      rows: [rowOf('mails to shards', 'MB/s', rates('ours'), rates('Python'))],
      notes: [
        `${files.length} mails, ${megabytes.toFixed(1)} MB: decoded, cleaned, exact duplicates dropped, near duplicates found by MinHash, tokenized by one tokenizer.json, written as shards. ${rounds} rounds after one that is not counted.`,
        ...describeTurns(turns),
      ],
    };
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** Trains the tokenizer of both sides. @returns its file */
async function trainedTokenizer(root: string): Promise<string> {
  const store = new BlobStore(join(root, 'artifacts'));
  const { manifest } = await prepareData(
    {
      data: { corpus: 'spam-assassin' },
      tokenizer: { algorithm: 'wordpiece', vocabulary: 8_192, lowercase: true },
    },
    { store, index: join(root, 'data') },
  );
  return store.path(manifest.tokenizer.sha256);
}
