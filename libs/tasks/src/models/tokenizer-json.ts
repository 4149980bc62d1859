import { readFile } from 'node:fs/promises';
import type { ModelFiles } from '@ringmaster/model/formats';
import { RingmasterError } from '@ringmaster/protocol';
import { z } from 'zod';

/** The bytes of a file of a model. @throws MODEL_FILE_UNREADABLE */
export async function readBytes(path: string): Promise<Buffer> {
  return readFile(path).catch((error: unknown) => {
    throw new RingmasterError('MODEL_FILE_UNREADABLE', { path, reason: (error as Error).message });
  });
}

/**
 * A JSON file that stands beside a model's tokenizer; null where there is none.
 * @throws MODEL_FILE_UNREADABLE, TOKENIZER_INVALID
 */
export async function readTokenizerJson<T>(
  files: ModelFiles,
  name: string,
  schema: z.ZodType<T>,
): Promise<T | null> {
  if (!files.has(name)) return null;
  const path = files.path(name);
  const bytes = await readBytes(path);
  try {
    return schema.parse(JSON.parse(bytes.toString('utf8')));
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message;
    throw new RingmasterError('TOKENIZER_INVALID', { path, reason }, { cause });
  }
}
