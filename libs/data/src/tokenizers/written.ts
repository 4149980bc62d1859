/** A token that texts may name, as `added_tokens` of a `tokenizer.json` has it. */
export interface NamedToken {
  readonly id: number;
  readonly content: string;
  /** Whether blanks before and after its name belong to it. */
  readonly lstrip: boolean;
  readonly rstrip: boolean;
}

/** A part of a text that names no token. */
type EncodePart = (text: string, isFirst: boolean) => readonly number[];

/**
 * Encodes texts in which names of tokens mean these, as Hugging Face tokenizers do: what lies between them is encoded each by
 * itself. Where several names fit, the longest of those that begin first is meant.
 */
export function writtenEncoder(
  named: readonly NamedToken[],
  encode: EncodePart,
): (text: string) => number[] {
  if (named.length === 0) return (text) => [...encode(text, true)];
  const byName = new Map(named.map((token) => [token.content, token]));
  const names = [...byName.keys()].sort((a, b) => b.length - a.length).map(escaped);
  const anyName = new RegExp(`(${names.join('|')})`, 'u');
  return (text) => {
    const parts = text.split(anyName);
    return parts.flatMap((part, at) => {
      const token = at % 2 === 1 ? byName.get(part) : undefined;
      if (token !== undefined) return [token.id];
      const begun = byName.get(parts[at - 1] ?? '')?.rstrip === true ? part.trimStart() : part;
      const between = byName.get(parts[at + 1] ?? '')?.lstrip === true ? begun.trimEnd() : begun;
      return between === '' ? [] : [...encode(between, at === 0)];
    });
  };
}

const escaped = (name: string): string => name.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
