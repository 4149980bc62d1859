// node test/bench/dist/data/large-corpus.process.js jsonl|gz|files MEGABYTES DIRECTORY: prepares a corpus that is made in
// DIRECTORY where it is not there yet, and prints what it took: seconds by phase, and the most memory that was resident.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { BlobStore, prepareData, type PrepareProgress } from '@ringmaster/data';
import { z } from 'zod';
import { writeLargeCorpus } from './large-corpus.js';

const [kind, megabytes, directory] = z
  .tuple([z.enum(['jsonl', 'gz', 'files']), z.coerce.number().positive(), z.string()])
  .parse(process.argv.slice(2, 5));

const name = join(directory, `${kind}-${megabytes}`);
const patterns = { jsonl: 'corpus.jsonl', gz: 'corpus.jsonl.gz', files: '*/*.txt' };
if (!existsSync(name)) {
  await writeLargeCorpus(name, kind, megabytes * 1e6);
  console.log(`made ${name}; run this again, in a process of its own`);
} else {
  const home = mkdtempSync(join(directory, 'prepared-'));
  const stages: Record<string, number> = {};
  let phase: PrepareProgress['phase'] = 'hash';
  let since = performance.now();
  const started = since;
  const closeStage = () => {
    const now = performance.now();
    stages[phase] = Math.round((now - since) / 100) / 10;
    since = now;
  };
  try {
    const { manifest, sha256 } = await prepareData(
      {
        data: { files: join(name, patterns[kind]), validation: 0.01 },
        tokenizer: { algorithm: 'bpe', vocabulary: 8192, lowercase: false },
      },
      {
        store: new BlobStore(join(home, 'artifacts')),
        index: join(home, 'data'),
        onProgress: (progress) => {
          if (progress.phase === phase) return;
          closeStage();
          phase = progress.phase;
        },
      },
    );
    closeStage();
    const seconds = (since - started) / 1000;
    const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
    console.log(
      JSON.stringify({
        kind,
        megabytes,
        seconds: Math.round(seconds),
        processorSeconds: Math.round((userCPUTime + systemCPUTime) / 1e6),
        peakMegabytes: Math.round(maxRSS / 1024),
        stages,
        documents: manifest.statistics.read,
        dropped: manifest.statistics.dropped,
        nearDuplicates: manifest.statistics.nearDuplicates,
        tokens: manifest.splits.train.tokens,
        sha256,
      }),
    );
  } finally {
    rmSync(home, { recursive: true });
  }
}
