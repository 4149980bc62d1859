import { RingmasterError } from '@ringmaster/protocol';
import type { SplitDocument } from './corpus-part.js';
import { FoundNames, inOrder, placeOf } from './labels.js';

/** Prefixes of the tags of entities: of their first word and of the others (Ramshaw and Marcus 1995). */
const ENTITY = /^[BI]-(.+)$/s;
const OUTSIDE = 'O';

export interface Tags {
  /** In the order of their ids. */
  readonly names: readonly string[];
  /** Whether they are of entities: each then begins with B-. */
  readonly areOfEntities: boolean;
  readonly warning: string | null;
}

/** Tags in the form in which they are prepared. */
export function preparedTags(tags: readonly string[], areOfEntities: boolean): readonly string[] {
  return areOfEntities ? withBeginnings(tags) : tags;
}

/**
 * Collects the tags of documents. They are of entities where one begins with B- or I-: then every other tag is O, an entity
 * that begins with I-, as in IOB1, is taken to begin with B-, and both tags of a type are known if one is. Else they are
 * any names. Which it is shows only at the end, so both are followed.
 */
export class TagCollector {
  readonly #written = new FoundNames('tag');
  readonly #begun = new FoundNames('tag');
  #areOfEntities = false;
  #changed = 0;
  /** Documents with a tag that is of no entity, and the first of them. */
  #others = 0;
  #firstOther: { readonly tag: string; readonly first: string } | null = null;

  add(document: SplitDocument): void {
    const { tags = [] } = document.columns;
    const begun = withBeginnings(tags);
    this.#written.add(document, tags);
    this.#begun.add(document, begun);
    if (begun !== tags) this.#changed++;
    this.#areOfEntities ||= tags.some((tag) => ENTITY.test(tag));
    const other = tags.find((tag) => tag !== OUTSIDE && !ENTITY.test(tag));
    if (other === undefined) return;
    this.#others++;
    this.#firstOther ??= { tag: other, first: placeOf(document) };
  }

  /**
   * The tags of the train split.
   * @throws DATA_TAGS_INVALID for a tag of another scheme; DATA_LABEL_UNKNOWN for one that no train document has
   */
  finish(): Tags {
    const areOfEntities = this.#areOfEntities;
    if (areOfEntities && this.#firstOther !== null)
      throw new RingmasterError('DATA_TAGS_INVALID', {
        ...this.#firstOther,
        documents: this.#others,
        reason: 'is neither O nor begins with B- or I-, as others do',
      });
    const found = areOfEntities ? this.#begun : this.#written;
    const known = areOfEntities ? closed(found.known) : found.known;
    const unknown = found.unknown(known);
    if (unknown !== null) throw unknown;
    const changed = areOfEntities ? this.#changed : 0;
    const warning =
      changed === 0
        ? null
        : `${changed} ${changed === 1 ? 'document has' : 'documents have'} entities that begin with I-: they are taken to begin with B-`;
    return { names: inOrder(known), areOfEntities, warning };
  }
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
