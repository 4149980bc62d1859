import { Parser, type CST } from 'yaml';

/**
 * How many values of a YAML text lie within each other, without recursion: what builds values from the text uses the
 * stack, at whose end not even an error is sure to be thrown.
 * @param most Where counting ends.
 */
export function nestingOf(text: string, most: number): number {
  let deepest = 0;
  const pending = [...new Parser().parse(text)].map((token) => ({ token, depth: 0 }));
  for (let next = pending.pop(); next !== undefined && deepest <= most; next = pending.pop()) {
    const { token, depth } = next;
    deepest = Math.max(deepest, depth);
    for (const inner of within(token)) pending.push({ token: inner, depth: depth + 1 });
  }
  return deepest;
}

function within(token: CST.Token): CST.Token[] {
  if (token.type === 'document') return token.value === undefined ? [] : [token.value];
  if (!('items' in token)) return [];
  return token.items.flatMap(({ key, value }) => [key ?? [], value ?? []].flat());
}
