import { z } from 'zod';

/** A column that holds JSON. */
export function json<Schema extends z.ZodType>(schema: Schema) {
  return z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(schema);
}

/** A column of bound JSON, or null. */
export function toJson(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value);
}

/** The bounds of all ids that begin so, the upper one excluded: no id has a character beyond z. */
export function prefixRange(prefix: string): [from: string, to: string] {
  return [prefix, `${prefix}{`];
}

/**
 * The clauses of a list in pages, newest first: what is behind the row of a given id (null: behind none, which begins
 * the list), so many at most.
 */
export function behind(table: 'jobs' | 'models'): string {
  return `WHERE seq < coalesce((SELECT seq FROM ${table} WHERE id = ?), ${Number.MAX_SAFE_INTEGER})
    ORDER BY seq DESC LIMIT ?`;
}
