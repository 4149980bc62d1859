import './beat/beat.js';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { passOverUserSignals } from '@ringmaster/base';
import { Runtime } from '@ringmaster/tensorflow';
import { forgetPasses } from '../faults/fault-point.js';
import { Assignment, assignmentSchema } from './assignment.js';
import { isRelease, release } from './release.js';

passOverUserSignals();

// A trainer whose agent is gone has nobody to train for. Nothing of it is worth an orderly end, which TensorFlow's and
// the ring's threads would only be in the way of.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));

// A process that waits for its run has TensorFlow loaded by then. What is wrong is told when there is one.
setImmediate(() => {
  try {
    Runtime.open();
  } catch {
    // It is opened again for the run.
  }
});

let assignment: Assignment | null = null;

process.on('message', (message: unknown) => {
  if (isRelease(message)) void letGo();
  else if (assignment === null)
    assignment = new Assignment(assignmentSchema.parse(message), (told) => process.send?.(told));
  else assignment.handle(message);
});

/** Frees everything of the run, and says so. A process in which something is left is of no use to another run. */
async function letGo(): Promise<void> {
  try {
    await assignment?.close();
    assignment = null;
    forgetPasses();
    collectGarbage();
    const { live } = Runtime.open();
    if (live > 0) throw new Error(`${live} tensors were not freed`);
    process.send?.(release);
  } catch (error) {
    console.error('not everything of the run could be freed', error);
    process.kill(process.pid, 'SIGTERM');
  }
}

/** Memory of a run is given back only when nothing refers to it any more. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}
