import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { hashFile } from '../blobs/blob-store.js';
import { readAnswer } from './answer-file.js';
import { tasks, type Task, type TaskAnswer, type TaskName } from './tasks.js';

/** The answers to tasks of one preparation, each by its key, and the parts that they name, each by its SHA-256. */
export class TaskFiles {
  /** Directory of parts. */
  readonly parts: string;
  readonly #answers: string;

  constructor(directory: string) {
    this.parts = join(directory, 'parts');
    this.#answers = join(directory, 'answers');
    mkdirSync(this.parts, { recursive: true });
    mkdirSync(this.#answers, { recursive: true });
  }

  /** Where the answer to a task is, or would be. */
  answerPath({ key }: Pick<Task, 'key'>): string {
    return join(this.#answers, key);
  }

  partPath(sha256: string): string {
    return join(this.parts, sha256);
  }

  /** The answer to a task; null where it is not there as a whole. The parts that it names are taken on trust. */
  answer<Name extends TaskName>(task: Task<Name>): TaskAnswer<Name> | null {
    const answer = readAnswer(this.answerPath(task));
    return answer === null ? null : (tasks[task.name].answer.parse(answer) as TaskAnswer<Name>);
  }

  /** Whether a task was answered before: its answer and the parts that it names are here, with the bytes that they had. */
  async isAnswered(task: Task): Promise<boolean> {
    const answer = this.answer(task);
    if (answer === null) return false;
    if (!('parts' in answer)) return true;
    for (const sha256 of answer.parts)
      if ((await hashFile(this.partPath(sha256)).catch(() => null)) !== sha256) return false;
    return true;
  }
}
