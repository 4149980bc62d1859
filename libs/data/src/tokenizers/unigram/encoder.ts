import { Trie } from '../trie.js';

/** What a character costs that no piece has, beside the score of the least likely piece (SentencePiece's `kUnkPenalty`). */
const UNKNOWN_PENALTY = 10;

export interface UnigramModel {
  /** Pieces by id, with their log probabilities. */
  readonly pieces: readonly (readonly [piece: string, score: number])[];
  readonly unknown: number;
  /** Ids that no text is encoded to. */
  readonly hidden: ReadonlySet<number>;
  /** Ids by byte [256], of a model that writes what it does not know as bytes. */
  readonly bytes: readonly number[] | null;
}

/** A stretch of a text: one piece, or all characters on end that are not known. */
interface Division {
  /** Of the piece; null of what is not known. */
  readonly id: number | null;
  readonly text: string;
}

/**
 * The most likely pieces of a text (Kudo 2018), by Viterbi's algorithm, equal to Hugging Face's encoder: among paths
 * with the same score the one whose last piece begins first.
 */
export function unigramDivider(
  model: Pick<UnigramModel, 'pieces' | 'hidden'>,
): (text: string) => Division[] {
  const { pieces, hidden } = model;
  const UNKNOWN = -1;
  const trie = new Trie();
  const scores = Float64Array.from(pieces, ([, score]) => score);
  let least = Infinity;
  for (const [id, [piece, score]] of pieces.entries()) {
    if (score < least) least = score;
    if (!hidden.has(id) && piece !== '') trie.set(codePoints(piece), id);
  }
  const unknownScore = least - UNKNOWN_PENALTY;

  return (text) => {
    const symbols = codePoints(text);
    const { length } = symbols;
    const best = new Float64Array(length + 1);
    const starts = new Int32Array(length + 1).fill(-1);
    const ids = new Int32Array(length + 1);
    const offer = (start: number, end: number, id: number, score: number): void => {
      if ((starts[end] ?? -1) >= 0 && score <= (best[end] ?? 0)) return;
      best[end] = score;
      starts[end] = start;
      ids[end] = id;
    };
    for (let start = 0; start < length; start++) {
      const before = best[start] ?? 0;
      let isKnown = false;
      let node = trie.child(trie.root, symbols[start] ?? 0);
      for (let end = start + 1; node !== 0; end++) {
        const id = trie.value(node);
        if (id >= 0) {
          offer(start, end, id, (scores[id] ?? 0) + before);
          if (end === start + 1) isKnown = true;
        }
        node = end < length ? trie.child(node, symbols[end] ?? 0) : 0;
      }
      if (!isKnown) offer(start, start + 1, UNKNOWN, unknownScore + before);
    }

    const reversed: Division[] = [];
    for (let end = length; end > 0;) {
      let start = starts[end] ?? 0;
      const id = ids[end] ?? UNKNOWN;
      if (id === UNKNOWN) while (start > 0 && ids[start] === UNKNOWN) start = starts[start] ?? 0;
      reversed.push(
        id === UNKNOWN
          ? { id: null, text: textOf(symbols.subarray(start, end)) }
          : { id, text: pieces[id]?.[0] ?? '' },
      );
      end = start;
    }
    return reversed.reverse();
  };
}

/** Ids of the most likely pieces of a text. What is not known is one unknown token, or its bytes. */
export function unigramEncoder(model: UnigramModel): (text: string) => number[] {
  const { unknown, bytes } = model;
  const divide = unigramDivider(model);
  return (text) => {
    const ids: number[] = [];
    for (const { id, text: stretch } of divide(text)) {
      if (id !== null) ids.push(id);
      else if (bytes === null) ids.push(unknown);
      else for (const byte of Buffer.from(stretch)) ids.push(bytes[byte] ?? unknown);
    }
    return ids;
  };
}

const textOf = (symbols: Uint32Array): string =>
  Array.from(symbols, (symbol) => String.fromCodePoint(symbol)).join('');

function codePoints(text: string): Uint32Array {
  const symbols = new Uint32Array(text.length);
  let length = 0;
  for (let at = 0; at < text.length; length++) {
    const symbol = text.codePointAt(at) ?? 0;
    symbols[length] = symbol;
    at += symbol > 0xffff ? 2 : 1;
  }
  return symbols.subarray(0, length);
}
