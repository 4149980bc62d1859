import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { RingmasterError } from '@ringmaster/protocol';
import { z } from 'zod';

const lineSchema = z.looseObject({ text: z.string() });

/**
 * The texts of JSON lines, in groups of at most `size`.
 * @throws PREDICT_INPUT_INVALID naming the line
 */
export async function* texts(input: Readable, size: number): AsyncGenerator<string[]> {
  let group: string[] = [];
  let line = 0;
  for await (const content of createInterface({ input, crlfDelay: Infinity })) {
    line++;
    if (content.trim() === '') continue;
    group.push(textOf(content, line));
    if (group.length === size) {
      yield group;
      group = [];
    }
  }
  if (group.length > 0) yield group;
}

function textOf(content: string, line: number): string {
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch (cause) {
    throw new RingmasterError(
      'PREDICT_INPUT_INVALID',
      { line, reason: 'it is not JSON' },
      { cause },
    );
  }
  const parsed = lineSchema.safeParse(value);
  if (parsed.success) return parsed.data.text;
  throw new RingmasterError('PREDICT_INPUT_INVALID', { line, reason: 'it has no string "text"' });
}
