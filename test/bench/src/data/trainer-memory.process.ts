// node test/bench/dist/data/trainer-memory.process.js MEGABYTES DIRECTORY [--steps 300]: trains on JSON lines that
// large-corpus.process.js has made in DIRECTORY, and has prepared there if it was told to keep what it prepares, on a cluster of
// one worker; prints the most memory that its trainer had, and how long after the data were there its first step was made.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Cluster } from '@ringmaster/chaos';
import { z } from 'zod';
import { largeCorpusJob } from './large-corpus.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { steps: { type: 'string', default: '300' } },
});
const [megabytes, directory] = z
  .tuple([z.coerce.number().positive(), z.string()])
  .parse(positionals);
const steps = z.coerce.number().int().positive().parse(values.steps);

const name = join(directory, `jsonl-${megabytes}`);
const cluster = await Cluster.at(`${name}-home`, { leaseMs: 10_000 });
try {
  await cluster.startCoordinator();
  await cluster.addWorker();
  const { api } = cluster;
  const { id } = await api.submit(largeCorpusJob(name, 'jsonl'));
  /** When the data were there, and when the first step had been made. */
  let prepared: number | null = null;
  let first: number | null = null;
  for await (const event of api.events(id)) {
    if (event.type === 'job') {
      if (event.job.error !== null) throw new Error(event.job.error.message);
      const { state } = event.job;
      if (state === 'starting' || state === 'running') prepared ??= performance.now();
    }
    if (event.type !== 'step') continue;
    first ??= performance.now();
    if (event.point.step >= steps) break;
  }
  const [worker] = await api.workers();
  const status = readFileSync(`/proc/${worker?.trainerPid ?? 0}/status`, 'utf8');
  const mebibytes = (of: string) =>
    Math.round(Number(new RegExp(`${of}:\\s*(\\d+)`).exec(status)?.[1]) / 1024);
  console.log(
    JSON.stringify({
      megabytes,
      steps,
      peakMebibytes: mebibytes('VmHWM'),
      anonymousMebibytes: mebibytes('RssAnon'),
      firstStepSeconds:
        first === null || prepared === null ? null : Math.round((first - prepared) / 10) / 100,
    }),
  );
  await api.command(id, 'cancel');
} finally {
  await cluster.down();
}
