import { RingmasterError, type ErrorBody } from '@ringmaster/protocol';
import { z } from 'zod';

const lineSchema = z.looseObject({ text: z.string() });

/** A line of the input by its number from 1: its text, or why it has none. */
export type InputLine =
  | { readonly line: number; readonly text: string }
  | { readonly line: number; readonly error: ErrorBody };

/**
 * What a line asks for; null of a blank one.
 * @param plain Whether a line that does not begin as a JSON object is a text itself.
 */
export function readLine(content: string, line: number, plain: boolean): InputLine | null {
  const trimmed = content.trim();
  if (trimmed === '') return null;
  if (plain && !trimmed.startsWith('{')) return { line, text: content };
  let value: unknown;
  try {
    value = JSON.parse(trimmed);
  } catch {
    return refused(line, 'it is not JSON');
  }
  const parsed = lineSchema.safeParse(value);
  return parsed.success
    ? { line, text: parsed.data.text }
    : refused(line, 'it has no string "text"');
}

/** A line that cannot be answered: the error stands in the place of its answer. */
export function refused(line: number, reason: string): InputLine {
  return { line, error: new RingmasterError('PREDICT_INPUT_INVALID', { line, reason }).toBody() };
}
