import { RingmasterError } from '@ringmaster/protocol';
import type { SplitDocument } from './corpus.js';
import { inOrder, placeOf, unknownName } from './labels.js';

/** Prefixes of the tags of entities: of their first word and of the others (Ramshaw and Marcus 1995). */
const ENTITY = /^[BI]-(.+)$/s;
const OUTSIDE = 'O';

export interface Tags {
  /** In the order of their ids. */
  readonly names: readonly string[];
  /** The tags of a document, of entities in the form in which each begins with B-. */
  readonly of: (document: Pick<SplitDocument, 'columns'>) => readonly string[];
  readonly warning: string | null;
}

/**
 * The tags of the train split. They are of entities where one begins with B- or I-: then every other tag is O, an entity
 * that begins with I-, as in IOB1, is taken to begin with B-, and both tags of a type are known if one is. Else they are
 * any names.
 * @throws DATA_TAGS_INVALID for a tag of another scheme; DATA_LABEL_UNKNOWN for one that no train document has
 */
export function collectTags(documents: readonly SplitDocument[]): Tags {
  const isOfEntities = documents.some(({ columns }) =>
    columns.tags?.some((tag) => ENTITY.test(tag)),
  );
  if (isOfEntities) requireEntities(documents);
  const of: Tags['of'] = ({ columns: { tags = [] } }) =>
    isOfEntities ? withBeginnings(tags) : tags;
  const train = documents.filter(({ split }) => split === 'train');
  const found = new Set(train.flatMap(of));
  const known = isOfEntities ? closed(found) : found;
  const unknown = unknownName(documents, 'tag', known, of);
  if (unknown !== null) throw unknown;
  const changed = documents.filter((document) => of(document) !== document.columns.tags).length;
  const warning =
    changed === 0
      ? null
      : `${changed} ${changed === 1 ? 'document has' : 'documents have'} entities that begin with I-: they are taken to begin with B-`;
  return { names: inOrder(known), of, warning };
}

function requireEntities(documents: readonly SplitDocument[]): void {
  const isOther = (tag: string) => tag !== OUTSIDE && !ENTITY.test(tag);
  const atFault = documents.filter(({ columns }) => columns.tags?.some(isOther));
  const [first] = atFault;
  if (first === undefined) return;
  throw new RingmasterError('DATA_TAGS_INVALID', {
    tag: first.columns.tags?.find(isOther) ?? '',
    documents: atFault.length,
    first: placeOf(first),
    reason: 'is neither O nor begins with B- or I-, as others do',
  });
}

/** Tags in which each entity begins with B-; the same array where they all do. */
function withBeginnings(tags: readonly string[]): readonly string[] {
  let before: string | null = null;
  const begun = tags.map((tag) => {
    const type = ENTITY.exec(tag)?.[1] ?? null;
    const begins = tag.startsWith('I-') && type !== null && type !== before;
    before = type;
    return begins ? `B-${type}` : tag;
  });
  return begun.every((tag, at) => tag === tags[at]) ? tags : begun;
}

/** The tags with O, and with both of each type. */
function closed(tags: ReadonlySet<string>): Set<string> {
  const types = [...tags].flatMap((tag) => ENTITY.exec(tag)?.[1] ?? []);
  return new Set([OUTSIDE, ...types.flatMap((type) => [`B-${type}`, `I-${type}`])]);
}
