// A trainer without TensorFlow: it answers as one does, and misbehaves as the name of its job says.
import { trainerCommandSchema, type TrainerMessage } from '@ringmaster/protocol';
import { z } from 'zod';

const firstSchema = z.object({ launch: z.object({ job: z.string() }) });
const send = (message: TrainerMessage) => process.send?.(message);

process.on('disconnect', () => process.exit(1));
process.once('message', (first) => {
  const { job } = firstSchema.parse(first).launch;
  process.stdout.write(`{"level":30,"msg":"loading ${job}"}\n`);
  process.stderr.write('a line that is not JSON\n');
  if (job === 'stubborn') process.on('SIGTERM', () => undefined);
  if (job === 'talkative') process.send?.({ type: 'nonsense' });
  const threads = process.env['TF_NUM_INTRAOP_THREADS'] ?? '';
  send({ type: 'ready', steps: 10, numerics: { threads }, parameters: 1 });
  process.on('message', (message) => {
    const command = trainerCommandSchema.parse(message);
    if (command.type === 'prepare') {
      const { generation } = command;
      const endpoint = 'tcp://127.0.0.1:1';
      send({ type: 'prepared', generation, endpoint, donor: '', state: null, interrupted: null });
    } else {
      process.stderr.write('about to die\n', () => process.kill(process.pid, 'SIGABRT'));
    }
  });
});
