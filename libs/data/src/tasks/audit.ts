import type { Task } from './tasks.js';

/** Of so many answers of workers one is given here as well. */
const SHARE = 16;

/** Whether an answer that a worker sends is compared with one that is given here: a function of the task, whoever has it. */
export function isAudited({ key }: Pick<Task, 'key'>): boolean {
  return parseInt(key.slice(0, 8), 16) % SHARE === 0;
}
