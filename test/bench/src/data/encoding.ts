import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BlobStore, prepareData } from '@ringmaster/data';
import type { Turn } from '../contestant.js';
import { peerCommand, peerPython } from '../peer.js';
import { ratesOf, rowOf, type Findings, type Pace } from '../report.js';
import { writeLargeCorpus } from './large-corpus.js';
import { compareSides, describeTurns, type DataTurn } from './sides.js';

/** Bytes of the corpus, which both sides encode in seconds. */
const BYTES = 40e6;
const VOCABULARY = 8192;

/**
 * Encoding alone, beside the batch encoder of Hugging Face tokenizers: the same documents by the same `tokenizer.json`, on two
 * threads each. The peer has its texts in memory, and its ids stay there; ours are read from parts and written as shards.
 */
export async function encoding({ rounds }: Pace): Promise<Findings> {
  await peerPython('data');
  const root = await mkdtemp(join(tmpdir(), 'ringmaster-bench-'));
  try {
    const file = await writeLargeCorpus(join(root, 'corpus'), 'jsonl', BYTES);
    const tokenizer = await trainedTokenizer(root, file);
    const { turns, versions } = await compareSides(root, rounds, {
      ours: { data: { files: file }, tokenizerFile: tokenizer },
      peer: await peerCommand('encode.py', { file, tokenizer }, { peers: 'data' }),
    });
    const [first] = turns.get('ours') ?? [];
    const rates = (side: string) =>
      ratesOf((turns.get(side) ?? []).map(encodingOf), (first?.tokens ?? 0) / 1e6);
    return {
      benchmark: 'encoding',
      versions,
      rows: [rowOf('encoding', 'million tokens/s', rates('ours'), rates('Python'))],
      notes: [
        `${(BYTES / 1e6).toFixed(0)} MB of JSON lines by a byte-level BPE of ${VOCABULARY} tokens, on two threads. The peer is \`encode_batch_fast\` in batches of 1,000 texts that it has in memory, and its ids stay where it leaves them; ours has the texts read from parts, and the ids written as shards. ${rounds} rounds after one that is not counted.`,
        ...describeTurns(turns),
      ],
    };
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** What the stage took. */
function encodingOf({ stages, processorStages }: DataTurn): Turn {
  return {
    seconds: stages['encode'] ?? NaN,
    processorSeconds: processorStages?.['encode'] ?? NaN,
  };
}

/** Trains the tokenizer of both sides. @returns its file */
async function trainedTokenizer(root: string, files: string): Promise<string> {
  const store = new BlobStore(join(root, 'artifacts'));
  const tokenizer = { algorithm: 'bpe', vocabulary: VOCABULARY, lowercase: false } as const;
  const where = { store, index: join(root, 'data') };
  const { manifest } = await prepareData({ data: { files }, tokenizer }, where);
  return store.path(manifest.tokenizer.sha256);
}
