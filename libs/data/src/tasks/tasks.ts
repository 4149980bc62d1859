import { cleanChunk } from './clean.js';
import { countWords } from './count.js';
import { encodeDocuments } from './encode.js';

/** What a preparation has done by threads. Each is a function of its request and of the files that it names. */
export const tasks = {
  clean: cleanChunk,
  count: countWords,
  encode: encodeDocuments,
} as const;

export type TaskName = keyof typeof tasks;
export type TaskRequest<Name extends TaskName> = Parameters<(typeof tasks)[Name]>[0];
export type TaskAnswer<Name extends TaskName> = Awaited<ReturnType<(typeof tasks)[Name]>>;
