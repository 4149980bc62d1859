import { RingmasterError } from '@ringmaster/protocol';
import { z } from 'zod';
import type { Columns } from '../document.js';

/** The first conversation of a kind, and how many there are of it. */
const counted = z.strictObject({
  documents: z.int().min(1),
  /** Its number in the part that is encoded. */
  at: z.int().min(0),
  /** What the template says of it, or the roles that it has. */
  reason: z.string(),
});

/** Conversations of a part that are not learned; null for none. */
export const countedConversationsSchema = z.strictObject({
  /** Those that the template does not take. */
  refused: counted.nullable(),
  /** Those without an answer. */
  silent: counted.nullable(),
});
export type CountedConversations = z.output<typeof countedConversationsSchema>;
type Kind = keyof CountedConversations;

/** Counts the conversations of a part that are not learned. */
export class Conversations {
  readonly #counted: Record<Kind, z.output<typeof counted> | null> = {
    refused: null,
    silent: null,
  };

  add(kind: Kind, at: number, reason: string): void {
    const known = this.#counted[kind];
    this.#counted[kind] =
      known === null ? { documents: 1, at, reason } : { ...known, documents: known.documents + 1 };
  }

  counted(): CountedConversations {
    return { ...this.#counted };
  }
}

/** The roles of a conversation, each once. */
export function rolesIn({ messages = [] }: Columns): string {
  const roles = [...new Set(messages.map(({ role }) => `'${role}'`))].join(', ');
  return roles === '' ? 'no turn' : roles;
}

/** A kind of conversations of a corpus: how many there are, and where the first one stands. */
interface Found {
  readonly documents: number;
  readonly path: string;
  readonly line: number;
  readonly reason: string;
}

/** What was counted over the parts of a corpus, in their order. */
export class ConversationFaults {
  readonly #found: Record<Kind, Found | null> = { refused: null, silent: null };
  #documents = 0;

  /** @param placeOf Where a document of the part stands. */
  add(
    documents: number,
    part: CountedConversations | undefined,
    placeOf: (at: number) => Pick<Found, 'path' | 'line'>,
  ): void {
    this.#documents += documents;
    for (const kind of ['refused', 'silent'] as const) {
      const more = part?.[kind] ?? null;
      if (more === null) continue;
      const known = this.#found[kind] ?? { documents: 0, ...placeOf(more.at), reason: more.reason };
      this.#found[kind] = { ...known, documents: known.documents + more.documents };
    }
  }

  /**
   * What to say of conversations from which nothing is learned; null where there is none.
   * @throws DATA_CONVERSATION_INVALID where the template does not take one; DATA_ANSWERS_MISSING where none has an answer
   */
  judge(): string | null {
    const { refused, silent } = this.#found;
    if (refused !== null) throw new RingmasterError('DATA_CONVERSATION_INVALID', { ...refused });
    if (silent === null) return null;
    const { path, line, reason: roles, documents } = silent;
    if (documents === this.#documents)
      throw new RingmasterError('DATA_ANSWERS_MISSING', { path, line, roles, documents });
    return `${documents} of ${this.#documents} conversations have no answer to learn from, the first one in ${path} line ${line} with ${roles}`;
  }
}
