import { bertWords, normalizeBert, type BertNormalizer } from './bert-words.js';
import { remembering } from './remember.js';

export interface WordPieceModel {
  readonly vocabulary: ReadonlyMap<string, number>;
  readonly unknown: number;
  readonly prefix: string;
  readonly longestWord: number;
  readonly normalizer: BertNormalizer;
}

/** Greedy longest match first (Devlin et al. 2018, `WordpieceTokenizer`), equal to Hugging Face's encoder. */
export function wordPieceEncoder(model: WordPieceModel): (text: string) => number[] {
  const piecesOf = remembering((word) => encodeWord(word, model));
  return (text) => {
    const ids: number[] = [];
    for (const word of bertWords(normalizeBert(text, model.normalizer)))
      for (const piece of piecesOf(word)) ids.push(piece);
    return ids;
  };
}

function encodeWord(word: string, model: WordPieceModel): readonly number[] {
  const { vocabulary, unknown, prefix, longestWord } = model;
  if (word.length > longestWord && Array.from(word).length > longestWord) return [unknown];
  const pieces: number[] = [];
  for (let start = 0; start < word.length;) {
    let end = word.length;
    let piece: number | undefined;
    for (; end > start; end--) {
      const text = word.slice(start, end);
      piece = vocabulary.get(start === 0 ? text : prefix + text);
      if (piece !== undefined) break;
    }
    if (piece === undefined) return [unknown];
    pieces.push(piece);
    start = end;
  }
  return pieces;
}

/** Joins pieces to text as Hugging Face's `WordPiece` decoder does, with its clean-up of spaces. */
export function decodeWordPieces(
  pieces: readonly string[],
  prefix: string,
  cleanup: boolean,
): string {
  return pieces
    .map((piece, at) => {
      const joined = piece.startsWith(prefix) && at > 0;
      const text = joined ? piece.slice(prefix.length) : at > 0 ? ` ${piece}` : piece;
      return cleanup ? cleanSpaces(text) : text;
    })
    .join('');
}

function cleanSpaces(piece: string): string {
  return piece
    .replaceAll(' .', '.')
    .replaceAll(' ?', '?')
    .replaceAll(' !', '!')
    .replaceAll(' ,', ',')
    .replaceAll(" ' ", "'")
    .replaceAll(" n't", "n't")
    .replaceAll(" 'm", "'m")
    .replaceAll(' do not', " don't")
    .replaceAll(" 's", "'s")
    .replaceAll(" 've", "'ve")
    .replaceAll(" 're", "'re");
}
