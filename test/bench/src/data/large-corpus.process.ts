// node test/bench/dist/data/large-corpus.process.js jsonl|gz|files MEGABYTES DIRECTORY [--keep]: prepares a corpus that is made in
// DIRECTORY where it is not there yet, and prints what it took: seconds, and the most memory that was resident, by phase. With
// --keep what is prepared stays there, for trainer-memory.process.js.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { BlobStore, prepareData } from '@ringmaster/data';
import { dataOf, needsOf, tokenizerOf, type PreparationProgress } from '@ringmaster/protocol';
import { z } from 'zod';
import { largeCorpusJob, writeLargeCorpus } from './large-corpus.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { keep: { type: 'boolean', default: false } },
});
const [kind, megabytes, directory] = z
  .tuple([z.enum(['jsonl', 'gz', 'files']), z.coerce.number().positive(), z.string()])
  .parse(positionals);

const name = join(directory, `${kind}-${megabytes}`);
if (!existsSync(name)) {
  await writeLargeCorpus(name, kind, megabytes * 1e6);
  console.log(`made ${name}; run this again, in a process of its own`);
} else {
  const home = values.keep ? `${name}-home` : mkdtempSync(join(directory, 'prepared-'));
  const stages: Record<
    string,
    { seconds: number; processorSeconds: number; peakMegabytes: number }
  > = {};
  let phase: PreparationProgress['phase'] = 'hash';
  let since = performance.now();
  let spent = process.cpuUsage();
  const started = since;
  const closeStage = () => {
    const now = performance.now();
    const seconds = Math.round((now - since) / 100) / 10;
    const { user, system } = process.cpuUsage(spent);
    const processorSeconds = Math.round((user + system) / 1e5) / 10;
    stages[phase] = { seconds, processorSeconds, peakMegabytes: takePeakMegabytes() };
    since = now;
    spent = process.cpuUsage();
  };
  try {
    const spec = largeCorpusJob(name, kind);
    const tokenizer = tokenizerOf(spec);
    if (tokenizer === null) throw new Error('the job trains its tokenizer');
    const { manifest, sha256, cached } = await prepareData(
      { data: dataOf(spec), needs: needsOf(spec), tokenizer },
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
    const { userCPUTime, systemCPUTime } = process.resourceUsage();
    const peaks = Object.values(stages).map(({ peakMegabytes }) => peakMegabytes);
    console.log(
      JSON.stringify({
        kind,
        megabytes,
        cached,
        seconds: Math.round(seconds),
        processorSeconds: Math.round((userCPUTime + systemCPUTime) / 1e6),
        peakMegabytes: Math.max(...peaks),
        stages,
        documents: manifest.statistics.read,
        dropped: manifest.statistics.dropped,
        nearDuplicates: manifest.statistics.nearDuplicates,
        tokens: manifest.splits.train.tokens,
        sha256,
      }),
    );
  } finally {
    if (!values.keep) rmSync(home, { recursive: true });
  }
}

/** The most memory of this process that was resident since this was last asked, in MiB (proc(5): clear_refs). */
function takePeakMegabytes(): number {
  const status = readFileSync('/proc/self/status', 'utf8');
  writeFileSync('/proc/self/clear_refs', '5');
  return Math.round(Number(/VmHWM:\s*(\d+)/.exec(status)?.[1]) / 1024);
}
