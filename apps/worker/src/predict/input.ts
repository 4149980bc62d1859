import { RingmasterError, type ErrorBody } from '@ringmaster/protocol';
import type { Predictions } from '@ringmaster/tasks';

/** A line of the input by its number from 1: what it asks, or why it asks nothing. */
export type InputLine =
  | { readonly line: number; readonly query: unknown }
  | { readonly line: number; readonly error: ErrorBody };

/**
 * What a line asks for; null of a blank one.
 * @param queries What the model can be asked.
 * @param plain Whether a line that does not begin as a JSON object is a text itself.
 */
export function readLine(
  content: string,
  line: number,
  queries: Pick<Predictions<unknown>, 'expected' | 'query' | 'ofText'>,
  plain: boolean,
): InputLine | null {
  const trimmed = content.trim();
  if (trimmed === '') return null;
  if (plain && !trimmed.startsWith('{')) return { line, query: queries.ofText(content) };
  let value: unknown;
  try {
    value = JSON.parse(trimmed);
  } catch {
    return refused(line, 'it is not JSON');
  }
  const query = queries.query(value);
  return query === null ? refused(line, `it has no ${queries.expected}`) : { line, query };
}

/** A line that cannot be answered: the error stands in the place of its answer. */
export function refused(line: number, reason: string): InputLine {
  return { line, error: new RingmasterError('PREDICT_INPUT_INVALID', { line, reason }).toBody() };
}
