import { byteCharacters, byteLevelWords, byteOfCharacter } from './byte-level.js';
import { Heap } from './heap.js';
import { pairKey } from './merges.js';
import { remembering } from './remember.js';

export interface BytePairModel {
  readonly vocabulary: ReadonlyMap<string, number>;
  /** Pairs of tokens in the order in which they are merged. */
  readonly merges: readonly (readonly [string, string])[];
}

interface Merge {
  readonly rank: number;
  readonly token: number;
}

/** Byte-level byte-pair encoding (Sennrich et al. 2016; GPT-2), equal to Hugging Face's encoder. */
export function bytePairEncoder(model: BytePairModel): (text: string) => number[] {
  const byteIds = byteCharacters.map((character) => idOf(model, character));
  const merge = merger(model);
  const piecesOf = remembering((word) =>
    merge(Array.from(Buffer.from(word), (byte) => byteIds[byte] ?? 0)),
  );
  return (text) => {
    const ids: number[] = [];
    for (const word of byteLevelWords(text)) for (const piece of piecesOf(word)) ids.push(piece);
    return ids;
  };
}

/** What merges the symbols of a word, which it changes. @throws Error where a merge makes no token */
export function merger(model: BytePairModel): (symbols: number[]) => readonly number[] {
  const ranks = new Map<number, Merge>();
  for (const [rank, [left, right]] of model.merges.entries())
    ranks.set(pairKey(idOf(model, left), idOf(model, right)), {
      rank,
      token: idOf(model, left + right),
    });
  return (symbols) => mergeSymbols(symbols, ranks);
}

function idOf({ vocabulary }: BytePairModel, token: string): number {
  const id = vocabulary.get(token);
  if (id === undefined) throw new Error(`the token '${token}' is not in the vocabulary`);
  return id;
}

interface Candidate {
  readonly rank: number;
  readonly at: number;
  readonly left: number;
  readonly right: number;
  readonly token: number;
}

/** Merges the pair of lowest rank, leftmost first, until none is left: O(n log n) for any word. */
function mergeSymbols(symbols: number[], ranks: ReadonlyMap<number, Merge>): readonly number[] {
  const GONE = -1;
  const count = symbols.length;
  const next = Int32Array.from(symbols, (_, at) => at + 1);
  const previous = Int32Array.from(symbols, (_, at) => at - 1);
  const heap = new Heap<Candidate>((a, b) => (a.rank === b.rank ? a.at < b.at : a.rank < b.rank));
  const consider = (at: number): void => {
    const after = next[at] ?? count;
    if (at < 0 || after >= count) return;
    const left = symbols[at] ?? 0;
    const right = symbols[after] ?? 0;
    const merge = ranks.get(pairKey(left, right));
    if (merge !== undefined) heap.push({ rank: merge.rank, at, left, right, token: merge.token });
  };

  for (let at = 0; at < count; at++) consider(at);
  for (let best = heap.pop(); best !== undefined; best = heap.pop()) {
    const { at, left, right, token } = best;
    const after = next[at] ?? count;
    if (symbols[at] !== left || after >= count || symbols[after] !== right) continue;
    const beyond = next[after] ?? count;
    symbols[at] = token;
    symbols[after] = GONE;
    next[at] = beyond;
    if (beyond < count) previous[beyond] = at;
    consider(at);
    consider(previous[at] ?? -1);
  }
  return symbols.filter((symbol) => symbol !== GONE);
}

/** The text of byte-level tokens; bytes that are no whole character become U+FFFD. */
export function decodeByteLevel(tokens: readonly string[]): string {
  const bytes: number[] = [];
  for (const token of tokens)
    for (const character of token) {
      const byte = byteOfCharacter.get(character);
      if (byte === undefined) bytes.push(...Buffer.from(character));
      else bytes.push(byte);
    }
  return Buffer.from(bytes).toString('utf8');
}
