import { randomInt } from 'node:crypto';
import type { Task } from './tasks.js';

/** Whether an answer of a worker is compared with one that is given here. What is prepared does not depend on it. */
export type Audits = (task: Task, worker: string) => boolean;

/** Of so many answers of a worker one is given here as well. */
const SHARE = 16;

/** Audits one of each sixteen answers of a worker, drawn so that it cannot know which. */
export function drawnAudits(): Audits {
  const workers = new Map<string, { readonly chosen: number; answers: number }>();
  return (_task, worker) => {
    let block = workers.get(worker);
    if (block === undefined || block.answers === SHARE) {
      block = { chosen: randomInt(SHARE), answers: 0 };
      workers.set(worker, block);
    }
    return block.answers++ === block.chosen;
  };
}
