import { RingmasterError } from '@ringmaster/protocol';

/** How much of an id must be given: of a job `j-` and two characters more, as nothing is found by a slip of the hand. */
export const SHORTEST_PREFIX = 4;
/** How many candidates an ambiguous prefix lists. */
const LISTED = 8;

/** What has an id that never changes and a name that others may have too. */
export interface Named {
  readonly id: string;
  readonly name: string;
}

/** Where things of one kind are looked up. */
export interface Lookup<Thing extends Named> {
  get(id: string): Thing | null;
  newestByName(name: string): Thing | null;
  /** The first `limit` whose ids begin so, by id. */
  byPrefix(prefix: string, limit: number): readonly Thing[];
}

/**
 * What a reference means, by the one rule for all kinds of things: an id as it is, else the newest of that name, else
 * the only id that begins so.
 * @throws REFERENCE_AMBIGUOUS when several ids begin so
 */
export function find<Thing extends Named>(lookup: Lookup<Thing>, reference: string): Thing | null {
  return lookup.get(reference) ?? lookup.newestByName(reference) ?? findByPrefix(lookup, reference);
}

/** @throws REFERENCE_AMBIGUOUS */
export function findByPrefix<Thing extends Named>(
  lookup: Lookup<Thing>,
  reference: string,
): Thing | null {
  if (reference.length < SHORTEST_PREFIX) return null;
  const found = lookup.byPrefix(reference, LISTED + 1);
  if (found.length > 1) {
    const candidates = found.slice(0, LISTED).map(({ id, name }) => `${id} (${name})`);
    const more = found.length > LISTED;
    throw new RingmasterError('REFERENCE_AMBIGUOUS', { reference, candidates, more });
  }
  return found[0] ?? null;
}
