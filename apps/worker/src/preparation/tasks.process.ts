// node tasks.process.js DIRECTORY: does tasks of data preparation, each in a thread, while its worker lives.
import { mkdirSync, rmSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import { passOverUserSignals } from '@ringmaster/base';
import { TaskThreads } from '@ringmaster/data';
import { doBorrowedTask } from './do-task.js';
import { Inputs } from './inputs.js';
import { LeaseClient } from './lease-client.js';
import { taskCommandSchema, type TaskCommand, type TaskMessage } from './messages.js';

const [, , directory = ''] = process.argv;
const inputDirectory = join(directory, 'inputs');
mkdirSync(inputDirectory, { recursive: true });
// Trainers of this machine come first.
setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
const threads = new TaskThreads(false);
const inputs = new Inputs(inputDirectory);
const leases = new Map<string, AbortController>();

async function serve({ lease, location }: Extract<TaskCommand, { type: 'do' }>): Promise<void> {
  const withdrawal = new AbortController();
  leases.set(lease, withdrawal);
  const { signal } = withdrawal;
  const client = new LeaseClient(location, lease, signal);
  const place = { threads, inputs, directory: join(directory, lease) };
  const reason = await doBorrowedTask(client, place, signal).then(
    () => null,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  leases.delete(lease);
  const ended: TaskMessage = { type: 'ended', lease, reason };
  if (!signal.aborted) process.send?.(ended);
}

passOverUserSignals();
process.on('disconnect', () => {
  rmSync(directory, { recursive: true, force: true });
  process.exit(1);
});
process.on('message', (message) => {
  const command = taskCommandSchema.parse(message);
  if (command.type === 'do') void serve(command);
  else leases.get(command.lease)?.abort();
});
