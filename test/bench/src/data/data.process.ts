/** Our side of `data` and `json-lines`: prepares what its argument asks for into an empty directory for each line on stdin. */
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { BlobStore, prepareData, type PrepareRequest } from '@ringmaster/data';
import type { PreparationProgress } from '@ringmaster/protocol';
import { z } from 'zod';
import type { DataReady, DataTurn } from './sides.js';

const lineSchema = z.object({ directory: z.string() });

const request = JSON.parse(process.argv[2] ?? '') as PrepareRequest;
const answer = (message: DataReady | DataTurn) =>
  process.stdout.write(`${JSON.stringify(message)}\n`);

answer({ versions: { node: process.versions.node } });
for await (const line of createInterface({ input: process.stdin }))
  answer(await prepare(lineSchema.parse(JSON.parse(line)).directory));

async function prepare(directory: string): Promise<DataTurn> {
  const stages: Record<string, number> = {};
  const processorStages: Record<string, number> = {};
  const started = performance.now();
  const processor = process.cpuUsage();
  let phase: PreparationProgress['phase'] = 'hash';
  let since = started;
  let spent = processor;
  const onProgress = (progress: PreparationProgress) => {
    if (progress.phase === phase) return;
    closeStage();
    phase = progress.phase;
  };
  const { manifest } = await prepareData(request, {
    store: new BlobStore(join(directory, 'artifacts')),
    index: join(directory, 'data'),
    onProgress,
  });
  closeStage();
  const { user, system } = process.cpuUsage(processor);
  const { documents, tokens } = manifest.splits.train;
  return {
    seconds: (since - started) / 1000,
    processorSeconds: (user + system) / 1e6,
    documents,
    tokens,
    stages,
    processorStages,
  };

  function closeStage(): void {
    const now = performance.now();
    stages[phase] = (now - since) / 1000;
    since = now;
    const { user, system } = process.cpuUsage(spent);
    processorStages[phase] = (user + system) / 1e6;
    spent = process.cpuUsage();
  }
}
