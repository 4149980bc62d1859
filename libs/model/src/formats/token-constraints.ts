import { z } from 'zod';

/** What generation must do with some tokens, whatever the model makes of them. */
export interface TokenConstraints {
  /** Tokens that are never generated. */
  readonly suppressed: readonly number[];
  /** The first new token; null for any. */
  readonly first: number | null;
  /** The last token of a sequence that has no room for more; null for any. */
  readonly last: number | null;
}

const id = z.int().min(0);

/** Their keys in `config.json`: sequences of several tokens that must not occur are not supported. */
export const constraintKeys = {
  forced_bos_token_id: id.nullish(),
  forced_eos_token_id: z.union([id, z.array(id).length(1)]).nullish(),
  bad_words_ids: z.array(z.tuple([id])).nullish(),
};

/** Null where there is none. */
export function constraintsFrom(
  from: z.output<z.ZodObject<typeof constraintKeys>>,
): TokenConstraints | null {
  const suppressed = (from.bad_words_ids ?? []).flat();
  const first = from.forced_bos_token_id ?? null;
  const last = [from.forced_eos_token_id ?? []].flat()[0] ?? null;
  const isNone = suppressed.length === 0 && first === null && last === null;
  return isNone ? null : { suppressed, first, last };
}

/** The keys of `config.json`, where there are constraints. */
export function constraintsConfig(constraints: TokenConstraints | undefined): object {
  if (constraints === undefined) return {};
  const { suppressed, first, last } = constraints;
  return {
    ...(first === null ? {} : { forced_bos_token_id: first }),
    ...(last === null ? {} : { forced_eos_token_id: last }),
    ...(suppressed.length === 0 ? {} : { bad_words_ids: suppressed.map((token) => [token]) }),
  };
}
