import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { peerCommand, peerPython } from '../peer.js';
import { ratesOf, rowOf, type Findings, type Pace } from '../report.js';
import { writeLargeCorpus } from './large-corpus.js';
import { compareSides, describeTurns, type DataTurn } from './sides.js';

/** Bytes of the corpus, where both sides need seconds. */
const BYTES = 40e6;
const VOCABULARY = 8192;

/**
 * JSON lines to token shards beside Python's datasets and tokenizers: rows cleaned, exact duplicates dropped, a byte-level
 * BPE trained, documents encoded and written. Ours finds near duplicates as well.
 */
export async function jsonLines({ rounds }: Pace): Promise<Findings> {
  await peerPython('data');
  const root = await mkdtemp(join(tmpdir(), 'ringmaster-bench-'));
  try {
    const file = await writeLargeCorpus(join(root, 'corpus'), 'jsonl', BYTES);
    const megabytes = (await stat(file)).size / 1e6;
    const tokenizer = { algorithm: 'bpe', vocabulary: VOCABULARY, lowercase: false };
    const { turns, versions } = await compareSides(root, rounds, {
      ours: { data: { files: file }, tokenizer },
      peer: await peerCommand('corpus.py', { file, vocabulary: VOCABULARY }, { peers: 'data' }),
    });
    const rates = (side: string) => ratesOf(turns.get(side), megabytes);
    const encoding = (side: string) => ratesOf((turns.get(side) ?? []).map(encodingOf), megabytes);
    return {
      benchmark: 'json-lines',
      versions,
      rows: [
        rowOf('JSON lines to shards', 'MB/s', rates('ours'), rates('Python')),
        rowOf('of that, encoding', 'MB/s', encoding('ours'), encoding('Python')),
      ],
      notes: [
        `${megabytes.toFixed(0)} MB: cleaned as plain text, exact duplicates dropped, a byte-level BPE of ${VOCABULARY} tokens trained, encoded, written. Ours finds near duplicates as well. ${rounds} rounds after one that is not counted. Processor time of encoding alone is not told apart: its ratio is that of wall time.`,
        ...describeTurns(turns),
      ],
    };
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** The turn of one stage, of which only wall time is known. */
function encodingOf({ stages }: DataTurn): { seconds: number; processorSeconds: number } {
  const seconds = stages['encode'] ?? NaN;
  return { seconds, processorSeconds: seconds };
}
