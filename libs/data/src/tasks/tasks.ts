import { canonicalJson, sha256 } from '@ringmaster/protocol';
import type { z } from 'zod';
import { PIPELINE } from '../prepare/pipeline.js';
import { cleanAnswerSchema, cleanChunk, cleaned, cleanFault } from './clean.js';
import { countAnswerSchema, counted, countFault, countWords } from './count.js';
import { encodeAnswerSchema, encoded, encodeDocuments, encodeFault } from './encode.js';

/** Raise it when an answer, or a part, has other bytes than before although the manifest has the same. */
const FORMAT = 1;

/** A kind of task: what does it, what its answer is a function of, and how an answer is known. */
interface Kind<Request, Answer> {
  readonly run: (request: Request) => Answer | Promise<Answer>;
  readonly given: (request: Request) => unknown;
  readonly answer: z.ZodType<Answer>;
  /**
   * Why an answer of that shape cannot be the one to a request, in words; null where it may be. Nothing is computed again.
   * @param pathOf Where the part of a hash is.
   */
  readonly fault: (
    request: Request,
    answer: Answer,
    pathOf: (sha256: string) => string,
  ) => string | null;
}

const kind = <Request, Answer>(made: Kind<Request, Answer>): Kind<Request, Answer> => made;

/** What a preparation has done piece by piece. Each is a function of its request and of the files that it names. */
export const tasks = {
  clean: kind({ run: cleanChunk, given: cleaned, answer: cleanAnswerSchema, fault: cleanFault }),
  count: kind({ run: countWords, given: counted, answer: countAnswerSchema, fault: countFault }),
  encode: kind({
    run: encodeDocuments,
    given: encoded,
    answer: encodeAnswerSchema,
    fault: encodeFault,
  }),
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

/**
 * Why something is no answer to a task, in words; null where it may be the one.
 * @param pathOf Where the part of a hash would be.
 */
export function answerFault(
  { name, request }: Task,
  answer: unknown,
  pathOf: (sha256: string) => string,
): string | null {
  const { answer: shape, fault } = tasks[name];
  const parsed = shape.safeParse(answer);
  if (!parsed.success) return `it has another shape: ${parsed.error.issues[0]?.message ?? ''}`;
  return fault(request as never, parsed.data as never, pathOf);
}

/** Does a task. @throws what is wrong with the data, as a RingmasterError */
export async function doTask({ name, request }: Task): Promise<unknown> {
  const run = tasks[name].run as (request: TaskRequest<TaskName>) => unknown;
  return await run(request);
}
