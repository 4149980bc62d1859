/** Words in a row that name one thing. */
export interface Entity {
  readonly type: string;
  /** Number of its first word, from 0. */
  readonly start: number;
  /** Number of the word behind its last one. */
  readonly end: number;
}

const OUTSIDE = 'O';
const TAG = /^([BI])-(.*)$/s;

/**
 * The entities that the tags of a sentence name, as seqeval finds them (and `conlleval` of the CoNLL-2000 shared task): one
 * begins with B-, and with an I- that does not go on with an entity of its type. A tag of another form, such as a part of
 * speech, is an entity of one word.
 */
export function entitiesIn(tags: readonly string[]): Entity[] {
  const entities: Entity[] = [];
  /** Whether an I- may go on with the last entity. */
  let isOpen = false;
  for (const [word, tag] of tags.entries()) {
    const [, prefix, type = tag] = TAG.exec(tag) ?? [];
    const last = isOpen && prefix === 'I' ? entities.at(-1) : undefined;
    const entity = { type, start: word, end: word + 1 };
    if (last?.type === type) entities[entities.length - 1] = { ...entity, start: last.start };
    else if (tag !== OUTSIDE) entities.push(entity);
    isOpen = prefix !== undefined;
  }
  return entities;
}

/** How many entities two taggings of the same words have: in truth, in a prediction, and in both alike. */
export function countEntities(
  truth: readonly string[],
  predicted: readonly string[],
): { readonly true: number; readonly predicted: number; readonly correct: number } {
  const name = ({ type, start, end }: Entity) => `${start} ${end} ${type}`;
  const [wanted, found] = [truth, predicted].map((tags) => entitiesIn(tags).map(name));
  const known = new Set(wanted);
  return {
    true: wanted?.length ?? 0,
    predicted: found?.length ?? 0,
    correct: found?.filter((entity) => known.has(entity)).length ?? 0,
  };
}
