import { canonicalJson, sha256 } from '@ringmaster/protocol';
import type { z } from 'zod';
import { PIPELINE } from '../prepare/pipeline.js';
import { cleanAnswerSchema, cleanChunk, cleaned } from './clean.js';
import { countAnswerSchema, counted, countWords } from './count.js';
import { encodeAnswerSchema, encoded, encodeDocuments } from './encode.js';

/** Raise it when an answer, or a part, has other bytes than before although the manifest has the same. */
const FORMAT = 1;

/** A kind of task: what does it, what its answer is a function of, and the shape of that. */
interface Kind<Request, Answer> {
  readonly run: (request: Request) => Answer | Promise<Answer>;
  readonly given: (request: Request) => unknown;
  readonly answer: z.ZodType<Answer>;
}

const kind = <Request, Answer>(made: Kind<Request, Answer>): Kind<Request, Answer> => made;

/** What a preparation has done piece by piece. Each is a function of its request and of the files that it names. */
export const tasks = {
  clean: kind({ run: cleanChunk, given: cleaned, answer: cleanAnswerSchema }),
  count: kind({ run: countWords, given: counted, answer: countAnswerSchema }),
  encode: kind({ run: encodeDocuments, given: encoded, answer: encodeAnswerSchema }),
} as const;

export type TaskName = keyof typeof tasks;
export type TaskRequest<Name extends TaskName> = Parameters<(typeof tasks)[Name]['run']>[0];
export type TaskAnswer<Name extends TaskName> = z.infer<(typeof tasks)[Name]['answer']>;

/** Something to do whose answer is a function of its key. */
export interface Task<Name extends TaskName = TaskName> {
  /** SHA-256 of what the answer is a function of, in which files stand as their hashes. */
  readonly key: string;
  readonly name: Name;
  readonly request: TaskRequest<Name>;
}

export function taskOf<Name extends TaskName>(name: Name, request: TaskRequest<Name>): Task<Name> {
  const given = tasks[name].given as (request: TaskRequest<Name>) => unknown;
  const content = { format: FORMAT, pipeline: PIPELINE, name, given: given(request) };
  return { key: sha256(canonicalJson(content)), name, request };
}

/** Does a task. @throws what is wrong with the data, as a RingmasterError */
export async function doTask({ name, request }: Task): Promise<unknown> {
  const run = tasks[name].run as (request: TaskRequest<TaskName>) => unknown;
  return await run(request);
}
