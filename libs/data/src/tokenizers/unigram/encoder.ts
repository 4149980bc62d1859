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

/**
 * The most likely pieces of a text (Kudo 2018), by Viterbi's algorithm, equal to Hugging Face's encoder: among paths
 * with the same score the one whose last piece begins first. What is not known is one unknown token, or its bytes.
 */
export function unigramEncoder(model: UnigramModel): (text: string) => number[] {
  const { pieces, unknown, hidden, bytes } = model;
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
      if (!isKnown) offer(start, start + 1, unknown, unknownScore + before);
    }

    const reversed: number[] = [];
    for (let end = length; end > 0;) {
      let start = starts[end] ?? 0;
      const id = ids[end] ?? unknown;
      if (id !== unknown) reversed.push(id);
      else {
        while (start > 0 && ids[start] === unknown) start = starts[start] ?? 0;
        if (bytes === null) reversed.push(unknown);
        else {
          for (let at = end - 1; at >= start; at--) {
            const written = Buffer.from(String.fromCodePoint(symbols[at] ?? 0));
            for (const byte of written.reverse()) reversed.push(bytes[byte] ?? unknown);
          }
        }
      }
      end = start;
    }
    return reversed.reverse();
  };
}

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
