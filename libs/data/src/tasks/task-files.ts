import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hashFile, type BlobStore } from '../blobs/blob-store.js';
import { ifThere } from '../blobs/disk.js';
import { readAnswer, unpackAnswer } from './answer-file.js';
import type { ForeignAnswer } from './leases.js';
import { answerFault, tasks, type Task, type TaskAnswer, type TaskName } from './tasks.js';

export const PARTS = 'parts';
/** Where files lie that workers are sending, or have sent. */
export const SENT = 'sent';
const ANSWERS = 'answers';
const SENDERS = 'senders';

/**
 * The answers to tasks of one preparation, each by its key, and the parts that they name, each by its SHA-256. Who sent
 * an answer that was not given here is written down before it is put in its place.
 */
export class TaskFiles {
  /** Directory of parts. */
  readonly parts: string;
  readonly #answers: string;
  readonly #senders: string;

  constructor(directory: string) {
    this.parts = join(directory, PARTS);
    this.#answers = join(directory, ANSWERS);
    this.#senders = join(directory, SENDERS);
    mkdirSync(this.parts, { recursive: true });
    mkdirSync(this.#answers, { recursive: true });
    mkdirSync(join(directory, SENT), { recursive: true });
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

  /** Why a file that was sent is no answer to a task, in words; null where it may be the one. */
  faultOf(task: Task, { path }: Pick<ForeignAnswer, 'path'>): string | null {
    const file = readFileSync(path);
    let answer: unknown;
    try {
      answer = unpackAnswer(file);
    } catch (error) {
      return `it was never packed: ${error instanceof Error ? error.message : String(error)}`;
    }
    return answer === null
      ? 'it is not whole'
      : answerFault(task, answer, (sha256) => this.partPath(sha256));
  }

  /** Puts an answer that was sent in its place. */
  take(task: Task, { worker, path }: Pick<ForeignAnswer, 'worker' | 'path'>): void {
    const sent = join(this.#senders, worker);
    mkdirSync(sent, { recursive: true });
    writeFileSync(join(sent, task.key), '');
    renameSync(path, this.answerPath(task));
  }
}

/** Directories of preparations to which a worker has sent answers that were taken, whoever has them now. */
export function directoriesWithAnswersOf(
  { root }: Pick<BlobStore, 'root'>,
  worker: string,
): string[] {
  const all = join(root, 'tasks');
  if (!existsSync(all)) return [];
  return readdirSync(all)
    .map((key) => join(all, key))
    .filter((directory) => existsSync(join(directory, SENDERS, worker)));
}

/** Removes whatever a worker has sent to the directory of a preparation, so that it is done again. */
export async function removeAnswersOf(directory: string, worker: string): Promise<void> {
  const sent = join(directory, SENDERS, worker);
  for (const key of (await ifThere(readdir(sent))) ?? [])
    await rm(join(directory, ANSWERS, key), { force: true });
  await rm(sent, { recursive: true, force: true });
}
