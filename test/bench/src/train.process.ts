/** Our side of `train`: the step loop of a trainer, a block of steps for each line on stdin. */
import { createInterface } from 'node:readline';
import { trainStep } from '@ringmaster/worker/trainer';
import { z } from 'zod';
import type { Block, Ready } from './train.js';
import { openRun, trainedRunSchema } from './trained-run.js';

const answer = (message: Block | Ready) => process.stdout.write(`${JSON.stringify(message)}\n`);

const { run, session } = await openRun(
  trainedRunSchema.parse(JSON.parse(process.argv[2] ?? 'null')),
);
const { tensorflow = '', node = '' } = run.numerics;
answer({ parameters: run.layout.parameterCount, versions: { tensorflow, node } });

for await (const line of createInterface({ input: process.stdin })) {
  const { steps } = z.object({ steps: z.int().positive() }).parse(JSON.parse(line));
  const started = performance.now();
  const processor = process.cpuUsage();
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    const { loss } = await trainStep(run, session);
    losses.push(loss ?? NaN);
  }
  const { user, system } = process.cpuUsage(processor);
  const seconds = (performance.now() - started) / 1000;
  answer({ seconds, processorSeconds: (user + system) / 1e6, losses });
}
await session.end({ abandon: true });
