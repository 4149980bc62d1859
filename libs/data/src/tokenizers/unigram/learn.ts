import { exp, log } from '@ringmaster/base';
import type { SymbolWords } from '../symbol-words.js';
import { Trie } from '../trie.js';
import { digamma } from './digamma.js';
import { Lattices } from './lattices.js';
import { frequentSubstrings } from './seed.js';

/** Settings of SentencePiece's trainer, with its values. */
const EM_STEPS = 2;
/** Expected count below which a piece goes. */
const LEAST_COUNT = 0.5;
/** Share of the pieces that stay when the others are taken away at once. */
const SHRINKING = 0.75;
/** Pieces, as a multiple of those wanted, from which on none is judged by its loss. */
const SPARE = 1.1;
/** Pieces that training begins with at most, in SentencePiece a million: these are kept as lists of ways through words. */
const SEEDS = 500_000;

/** A piece by its symbols. */
export interface LearnedPiece {
  readonly symbols: Uint32Array;
  /** Log probability. */
  readonly score: number;
}

/**
 * The Unigram language model's learner (Kudo, "Subword Regularization", ACL 2018, section 3.2; the estimation is
 * `unigram_model_trainer.cc` of SentencePiece): from the most frequent substrings on, expectation–maximization of the
 * pieces' probabilities, and then again and again those go without which the likelihood of the words falls least.
 * Single symbols stay. Everything is summed in the order of the words and of the pieces, with elementary functions whose
 * bits are fixed: the result is a function of the words.
 * @param words At most 32 symbols each, from 1.
 * @param alphabet Symbols that there are.
 * @param size Pieces that are wanted, single symbols included.
 * @returns The pieces by falling score, single symbols among them; fewer where the words do not yield as many
 */
export function learnUnigram(words: SymbolWords, alphabet: number, size: number): LearnedPiece[] {
  const model = seeded(words, alphabet);
  const lattices = new Lattices(words, model.trie);
  const wanted = Math.max(alphabet, Math.floor(SPARE * size));
  for (;;) {
    for (let step = 0; step < EM_STEPS; step++) {
      maximize(model, lattices);
      lattices.keep(model.isThere);
    }
    if (remaining(model) <= wanted) return finished(model, size);
    prune(model, lattices.countBest(model.scores), wanted);
    lattices.keep(model.isThere);
  }
}

/** Pieces by their numbers, which they keep; those of single symbols come first. */
interface Model {
  readonly pieces: readonly Uint32Array[];
  readonly trie: Trie;
  /** Log probabilities. */
  readonly scores: Float64Array;
  readonly isThere: Uint8Array;
  readonly alphabet: number;
  readonly symbols: number;
  /** Log of what a symbol costs, as far as it is known. */
  logFactor: number;
}

function seeded(words: SymbolWords, alphabet: number): Model {
  const counts = new Float64Array(alphabet);
  let symbols = 0;
  for (let word = 0; word < words.length; word++) {
    const count = words.countOf(word);
    for (const symbol of words.symbolsOf(word)) {
      counts[symbol - 1] = (counts[symbol - 1] ?? 0) + count;
      symbols += count;
    }
  }
  const substrings = frequentSubstrings(words, SEEDS);
  const pieces = [
    ...Array.from(counts, (_, at) => Uint32Array.of(at + 1)),
    ...substrings.map((substring) => substring.symbols),
  ];
  const worths = [
    ...counts,
    ...substrings.map((substring) => substring.symbols.length * substring.count),
  ];
  const logSum = log(worths.reduce((sum, worth) => sum + worth, 0));
  const scores = Float64Array.from(worths, (worth) => log(Math.max(worth, LEAST_COUNT)) - logSum);
  const trie = new Trie();
  for (const [piece, its] of pieces.entries()) trie.set(its, piece);
  const logFactor =
    -counts.reduce((sum, count, at) => sum + count * (scores[at] ?? 0), 0) / symbols;
  const isThere = new Uint8Array(pieces.length).fill(1);
  return { pieces, trie, scores, isThere, alphabet, symbols, logFactor };
}

/** One step of expectation–maximization, with the digamma function in place of the logarithm, as of a Bayesian model. */
function maximize(model: Model, lattices: Lattices): void {
  const { pieces, scores, isThere, alphabet } = model;
  const weights = Float64Array.from(pieces, ({ length }, piece) =>
    isThere[piece] === 1 ? exp((scores[piece] ?? 0) + length * model.logFactor) : 0,
  );
  const { counts, logLikelihood } = lattices.expect(weights, model.logFactor);
  model.logFactor = -logLikelihood / model.symbols;
  let sum = 0;
  for (const [piece, expected] of counts.entries()) {
    const count = piece < alphabet ? Math.max(expected, LEAST_COUNT) : expected;
    if (count < LEAST_COUNT) isThere[piece] = 0;
    if (isThere[piece] !== 1) continue;
    counts[piece] = count;
    sum += count;
  }
  const logSum = digamma(sum);
  for (const [piece, count] of counts.entries())
    scores[piece] = isThere[piece] === 1 ? digamma(count) - logSum : -Infinity;
}

/**
 * Takes pieces away whose loss is small: how much less likely the words are when each occurrence of a piece is divided
 * into the others that are then the most likely ones.
 */
function prune(model: Model, counts: Float64Array, wanted: number): void {
  const { pieces, scores, isThere, alphabet } = model;
  const sum = counts.reduce((all, count) => all + count, 0);
  const logSum = log(sum);
  const losses = new Float64Array(pieces.length);
  const candidates: number[] = [];
  let kept = alphabet;
  const before = remaining(model);
  for (let piece = alphabet; piece < pieces.length; piece++) {
    if (isThere[piece] !== 1) continue;
    const count = counts[piece] ?? 0;
    const { score, parts } = bestDivision(model, pieces[piece] ?? new Uint32Array(0));
    if (count === 0 || score > (scores[piece] ?? 0)) {
      isThere[piece] = 0;
      continue;
    }
    const logAlternative = log(sum + count * (parts.length - 1));
    const divided = parts.reduce(
      (all, part) => all + log((counts[part] ?? 0) + count) - logAlternative,
      0,
    );
    losses[piece] = count * (log(count) - logSum - divided);
    candidates.push(piece);
    kept++;
  }
  const size = Math.max(wanted, Math.floor(SHRINKING * before));
  if (kept <= size) return;
  candidates.sort((a, b) => (losses[b] ?? 0) - (losses[a] ?? 0) || a - b);
  for (const piece of candidates.slice(size - alphabet)) isThere[piece] = 0;
}

/** The most likely division of a piece into others, of which single symbols always are one. */
function bestDivision(
  { trie, scores, isThere }: Model,
  symbols: Uint32Array,
): { readonly score: number; readonly parts: readonly number[] } {
  const { length } = symbols;
  const best = new Float64Array(length + 1).fill(-Infinity);
  const lasts = new Int32Array(length + 1);
  const starts = new Int32Array(length + 1);
  best[0] = 0;
  for (let start = 0; start < length; start++) {
    let node = trie.root;
    for (let end = start + 1; end <= length; end++) {
      node = trie.child(node, symbols[end - 1] ?? 0);
      if (node === 0) break;
      const piece = trie.value(node);
      if (piece < 0 || isThere[piece] !== 1 || end - start === length) continue;
      const score = (best[start] ?? 0) + (scores[piece] ?? 0);
      if (score <= (best[end] ?? 0)) continue;
      best[end] = score;
      lasts[end] = piece;
      starts[end] = start;
    }
  }
  const parts: number[] = [];
  for (let end = length; end > 0; end = starts[end] ?? 0) parts.push(lasts[end] ?? 0);
  return { score: best[length] ?? 0, parts };
}

const remaining = ({ isThere }: Model): number => isThere.reduce((sum, bit) => sum + bit, 0);

/** The single symbols and the most likely of the other pieces. */
function finished({ pieces, scores, isThere, alphabet }: Model, size: number): LearnedPiece[] {
  const byScore = (a: number, b: number) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b;
  const numbers = [...pieces.keys()].filter((piece) => isThere[piece] === 1);
  const singles = numbers.filter((piece) => piece < alphabet);
  const others = numbers.filter((piece) => piece >= alphabet).sort(byScore);
  return [...singles, ...others.slice(0, size - alphabet)].sort(byScore).map((piece) => ({
    symbols: pieces[piece] ?? new Uint32Array(0),
    score: scores[piece] ?? 0,
  }));
}
