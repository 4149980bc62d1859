/** One rank of our side of `step` and `train`: the step loop of a trainer, a block of steps for each line on stdin. */
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { TrainerMessage } from '@ringmaster/protocol';
import { CheckpointWriter, finishModel, trainStep } from '@ringmaster/worker/trainer';
import { pino } from 'pino';
import { z } from 'zod';
import { peakBytes } from '../memory.js';
import type { Block, OurReady, Stored } from './sides.js';
import { link, openRun, seatSchema, trainedRunSchema } from './trained-run.js';

const lineSchema = z.union([
  /** Links the ring. */
  z.object({ seats: z.array(seatSchema) }),
  /** Writes the parameters, float32, one after the other in the order that the first line names. */
  z.object({ parametersTo: z.string() }),
  /** Makes the state durable, or the model in the layout of Hugging Face. */
  z.object({ store: z.enum(['checkpoint', 'model']) }),
  z.object({ steps: z.int().positive() }),
]);

const answer = (message: Block | OurReady | Stored | Record<string, never>) =>
  process.stdout.write(`${JSON.stringify(message)}\n`);

const { run, session, seat } = await openRun(
  trainedRunSchema.parse(JSON.parse(process.argv[2] ?? 'null')),
);
const { parameterCount: parameters, tensors } = run.layout;
answer({
  parameters,
  seat,
  versions: { tensorflow: run.loaded.runtime.version, node: process.versions.node },
  names: tensors.map(({ name }) => name),
});

for await (const text of createInterface({ input: process.stdin })) {
  const line = lineSchema.parse(JSON.parse(text));
  if ('seats' in line) {
    await link(run, session, line.seats);
    answer({});
  } else if ('parametersTo' in line) {
    writeParameters(line.parametersTo);
    answer({});
  } else if ('store' in line) answer(await store(line.store));
  else answer(await train(line.steps));
}
await session.end({ abandon: true });

/** From where they lie: a copy of all would count as memory that training takes. */
function writeParameters(path: string): void {
  const file = openSync(path, 'w');
  for (const tensor of tensors) {
    const { buffer, byteOffset, byteLength } = run.state.view('parameters', tensor);
    writeFileSync(file, new Uint8Array(buffer, byteOffset, byteLength));
  }
  closeSync(file);
}

async function train(steps: number): Promise<Block> {
  const started = performance.now();
  const processor = process.cpuUsage();
  const losses: number[] = [];
  const phases: Record<string, number> = {};
  for (let step = 0; step < steps; step++) {
    const report = await trainStep(run, session);
    losses.push(report.loss ?? NaN);
    for (const [phase, seconds] of Object.entries(report.phases))
      phases[phase] = (phases[phase] ?? 0) + seconds / steps;
  }
  const { user, system } = process.cpuUsage(processor);
  const seconds = (performance.now() - started) / 1000;
  return {
    seconds,
    processorSeconds: (user + system) / 1e6,
    peakBytes: peakBytes(),
    losses,
    phases,
  };
}

async function store(what: 'checkpoint' | 'model'): Promise<Stored> {
  const started = performance.now();
  if (what === 'model') await finishModel(run, session.rank, () => session.breathe());
  else {
    const told: TrainerMessage[] = [];
    const writer = new CheckpointWriter(
      run,
      (message) => told.push(message),
      pino({ level: 'silent' }),
    );
    await writer.save(session.generation);
    await writer.close();
    const failure = told.find(({ type }) => type === 'checkpoint-failed');
    if (failure !== undefined) throw new Error(JSON.stringify(failure));
  }
  return { seconds: (performance.now() - started) / 1000, peakBytes: peakBytes() };
}
