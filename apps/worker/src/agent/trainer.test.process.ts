// A trainer without TensorFlow: it answers as one does, and misbehaves as the name of its job says.
import { endingGeneration } from '../trainer/beat/beat.js';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { isRelease, release } from '../trainer/release.js';
import { trainerCommandSchema, type TrainerMessage } from '@ringmaster/protocol';
import { z } from 'zod';

const firstSchema = z.object({ run: z.number(), launch: z.object({ job: z.string() }) });
const send = (message: TrainerMessage) => process.send?.(message);

/** Blocks the main thread, as TensorFlow does. */
const block = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

/** Takes memory until the limit of its control group is reached, and beyond; it is the first that may be killed for it. */
function devour(): void {
  writeFileSync('/proc/self/oom_score_adj', '1000');
  const eaten: Buffer[] = [];
  for (;;) eaten.push(Buffer.alloc(16 * 1024 * 1024, 1));
}

process.on('disconnect', () => process.exit(1));
process.on('message', (message) => {
  if (!isRelease(message)) return;
  process.removeAllListeners('SIGUSR2');
  process.once('message', begin);
  process.send?.(release);
});
process.once('message', begin);

function begin(first: unknown): void {
  const {
    run,
    launch: { job },
  } = firstSchema.parse(first);
  process.stdout.write(`{"level":30,"msg":"loading ${job}"}\n`);
  process.stderr.write('a line that is not JSON\n');
  if (job === 'stubborn') process.on('SIGTERM', () => undefined);
  if (job === 'talkative') process.send?.({ type: 'nonsense' });
  const threads = process.env['TF_NUM_INTRAOP_THREADS'] ?? '';
  send({ type: 'ready', steps: 10, numerics: { threads }, parameters: { trained: 1, frozen: 0 } });
  if (job === 'busy') block(5000);
  if (job === 'computing') while (endingGeneration(run) === 0) block(5);
  if (job === 'parent') {
    const child = spawn('sleep', ['60'], { stdio: 'inherit' });
    process.stdout.write(`${JSON.stringify({ child: child.pid })}\n`);
  }
  if (job === 'chatty') {
    let step = 0;
    setInterval(() => send({ type: 'retired', generation: 1, step: step++ }), 2);
  }
  if (job === 'hungry') devour();
  process.on('SIGUSR2', () => {
    const error = { code: 'INTERNAL', message: 'a neighbour is gone', remedy: '', detail: {} };
    send({ type: 'failed', generation: 1, step: 7, fatal: false, blames: [], error });
  });
  const obey = (message: unknown) => {
    if (isRelease(message)) {
      process.off('message', obey);
      return;
    }
    const command = trainerCommandSchema.parse(message);
    if (command.type === 'save') {
      const position = { step: 7, evaluations: 0, stateHash: 'a'.repeat(64) };
      const manifest = 'b'.repeat(64);
      send({ type: 'checkpointed', generation: 1, position, manifest, seconds: 0.1 });
    } else if (command.type === 'prepare') {
      const { generation } = command;
      const endpoint = 'tcp://127.0.0.1:1';
      send({ type: 'prepared', generation, endpoint, donor: '', state: null, interrupted: null });
      if (job !== 'swift') return;
      const position = { step: 10, evaluations: 0, stateHash: 'a'.repeat(64) };
      send({ type: 'finished', generation, rank: 0, position, model: null, metrics: {} });
    } else {
      process.stderr.write('about to die\n', () => process.kill(process.pid, 'SIGABRT'));
    }
  };
  process.on('message', obey);
}
