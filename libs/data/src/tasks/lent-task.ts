import { stat } from 'node:fs/promises';
import { endianness } from 'node:os';
import { sha256Schema } from '@ringmaster/protocol';
import { z } from 'zod';
import type { FileReading } from '../document.js';
import type { PartFile } from '../parts/part.js';
import { packAnswer, unpackAnswer } from './answer-file.js';
import type { CleanRequest } from './clean.js';
import type { CountRequest } from './count.js';
import type { EncodeRequest } from './encode.js';
import { taskOf, tasks, type Task, type TaskName } from './tasks.js';

/** Bytes of inputs beyond which a task stays where they are: a file that is no lines, or an archive. */
const MOST_BYTES = 64 * 1024 * 1024;

/** A stretch of a file that a task reads, known by its bytes. */
export interface TaskInput {
  readonly sha256: string;
  readonly path: string;
  readonly start: number;
  readonly end: number;
}

/** A task that somebody can do who sees none of its files. */
export interface LentTask {
  readonly key: string;
  /** What is done, in the form of an answer's file, which `borrowTask` reads. */
  readonly packed: Uint8Array<ArrayBuffer>;
  readonly inputs: readonly TaskInput[];
}

/** What of a machine enters the files of answers: tasks are done where it is the same. */
export function taskPlatform(): string {
  return `${endianness()}, Unicode ${process.versions['unicode'] ?? 'unknown'}`;
}

/** Makes a task fit for elsewhere; null of one that reads too much for that. */
export async function lendTask(task: Task): Promise<LentTask | null> {
  const { key, name, request } = task;
  const { bare, inputs } = await apart[name](request as never);
  if (inputs.reduce((sum, { start, end }) => sum + end - start, 0) > MOST_BYTES) return null;
  const sizes = inputs.map(({ sha256, start, end }) => ({ sha256, bytes: end - start }));
  return { key, packed: packAnswer({ key, name, request: bare, inputs: sizes }), inputs };
}

/** A task that was lent, before its inputs are here. */
export interface BorrowedTask {
  readonly key: string;
  readonly inputs: readonly { readonly sha256: string; readonly bytes: number }[];
  /**
   * The task as it is done here.
   * @param pathOf Where the input of a hash is.
   * @param parts Directory that parts are written to.
   * @throws Error where it is not the task of its key: whoever lent it makes keys otherwise
   */
  readonly open: (pathOf: (sha256: string) => string, parts: string) => Task;
}

const lentSchema = z.strictObject({
  key: sha256Schema,
  name: z.enum(Object.keys(tasks) as [TaskName, ...TaskName[]]),
  /** Judged by the key. */
  request: z.unknown(),
  inputs: z.array(z.strictObject({ sha256: sha256Schema, bytes: z.int().min(0) })),
});

/** @throws Error where these are not the bytes of a task that was lent */
export function borrowTask(packed: Uint8Array): BorrowedTask {
  const { key, name, request, inputs } = lentSchema.parse(unpackAnswer(packed));
  return {
    key,
    inputs,
    open: (pathOf, parts) => {
      const task = taskOf(name, together[name](request as never, pathOf, parts));
      if (task.key !== key) throw new Error(`task ${key} would be ${task.key} here`);
      return task;
    },
  };
}

interface Apart {
  /** The request with nothing in it of where files are. */
  readonly bare: unknown;
  readonly inputs: readonly TaskInput[];
}

/** Requests without their files, and these. */
const apart = {
  clean: ({ chunk }: CleanRequest): Apart => ({
    bare: { chunk: { ...chunk, readings: chunk.readings.map(bareReading) }, parts: '' },
    inputs: chunk.readings.map(({ file, piece }) => ({
      sha256: piece?.sha256 ?? file.sha256,
      path: file.copy ?? file.path,
      start: piece?.start ?? 0,
      end: piece?.end ?? file.bytes,
    })),
  }),
  count: async (request: CountRequest): Promise<Apart> => ({
    bare: { ...request, part: barePart(request.part) },
    inputs: [await whole(request.part)],
  }),
  encode: async (request: EncodeRequest): Promise<Apart> => ({
    bare: { ...request, part: barePart(request.part), tokenizer: barePart(request.tokenizer) },
    inputs: [await whole(request.part), await whole(request.tokenizer)],
  }),
};

type PathOf = (sha256: string) => string;

/** The same requests with files that are elsewhere. */
const together = {
  clean: ({ chunk }: CleanRequest, pathOf: PathOf, parts: string): CleanRequest => ({
    chunk: { ...chunk, readings: chunk.readings.map((reading) => readingAt(reading, pathOf)) },
    parts,
  }),
  count: (request: CountRequest, pathOf: PathOf): CountRequest => ({
    ...request,
    part: partAt(request.part, pathOf),
  }),
  encode: (request: EncodeRequest, pathOf: PathOf): EncodeRequest => ({
    ...request,
    part: partAt(request.part, pathOf),
    tokenizer: partAt(request.tokenizer, pathOf),
  }),
};

/** A reading whose piece begins at 0, for nothing else of the file is sent. */
function bareReading({ file, piece, ...reading }: FileReading): FileReading {
  const { name, path, sha256, bytes } = file;
  return {
    ...reading,
    file: { name, path, sha256, bytes, pieces: [] },
    ...(piece === undefined ? {} : { piece: { ...piece, start: 0, end: piece.end - piece.start } }),
  };
}

function readingAt({ file, ...reading }: FileReading, pathOf: PathOf): FileReading {
  const copy = pathOf(reading.piece?.sha256 ?? file.sha256);
  return { ...reading, file: { ...file, copy } };
}

const barePart = ({ sha256 }: PartFile): PartFile => ({ path: '', sha256 });

const partAt = ({ sha256 }: PartFile, pathOf: PathOf): PartFile => ({
  path: pathOf(sha256),
  sha256,
});

async function whole({ path, sha256 }: PartFile): Promise<TaskInput> {
  return { sha256, path, start: 0, end: (await stat(path)).size };
}
