import type { TokenConstraints } from '@ringmaster/model';
import { constrained } from './constrained.js';
import { kthLargest, logProbabilities, penalised } from './sampling.js';

/** A sequence that beam search has found. */
export interface Hypothesis {
  /** New tokens. */
  readonly tokens: readonly number[];
  /** Sum of the logarithms of their probabilities. */
  readonly sum: number;
}

/** What beam search goes on with, and what has come to its end. */
export interface Beams {
  readonly open: readonly Hypothesis[];
  /** The best ones that ended, by their score; as many as there are beams at most. */
  readonly ended: readonly Hypothesis[];
}

export interface BeamOptions {
  readonly beams: number;
  /** Tokens that end a sequence. */
  readonly ends: readonly number[];
  /** Longest sequence, in new tokens. */
  readonly most: number;
  readonly repetitionPenalty: number;
  readonly constraints?: TokenConstraints | undefined;
}

export const noBeams: Beams = { open: [{ tokens: [], sum: 0 }], ended: [] };

/** What hypotheses are compared by: the mean logarithm of their tokens' probabilities. */
function scoreOf({ tokens, sum }: Hypothesis): number {
  return sum / Math.max(1, tokens.length);
}

/**
 * One step of beam search: the likeliest continuations of all open hypotheses.
 * @param logits [V] for each open hypothesis.
 * @param prompt Tokens before the new ones.
 * @returns the beams, and for each open one the number of the hypothesis that it continues
 */
export function advance(
  { open, ended }: Beams,
  logits: readonly Float32Array[],
  prompt: readonly number[],
  { beams, ends, most, repetitionPenalty, constraints }: BeamOptions,
): { readonly beams: Beams; readonly parents: readonly number[] } {
  const continuations = open.flatMap((hypothesis, parent) => {
    const row = logits[parent];
    if (row === undefined) return [];
    const seen = [...prompt, ...hypothesis.tokens];
    const likely = penalised(Float32Array.from(logProbabilities(row)), seen, repetitionPenalty);
    const all = constrained(likely, constraints, hypothesis.tokens.length, most);
    return largest(all, 2 * beams).map((id) => ({
      parent,
      id,
      next: { tokens: [...hypothesis.tokens, id], sum: hypothesis.sum + (all[id] ?? 0) },
    }));
  });
  const best = continuations
    .sort((a, b) => b.next.sum - a.next.sum || a.parent - b.parent || a.id - b.id)
    .slice(0, 2 * beams);
  // One that ends counts only among the first beams, as in transformers.
  const ending = best.slice(0, beams).filter(({ id }) => ends.includes(id));
  const going = best.filter(({ id }) => !ends.includes(id)).slice(0, beams);
  const found = [...ended, ...ending.map(({ next }) => next)]
    .sort((a, b) => scoreOf(b) - scoreOf(a))
    .slice(0, beams);
  return {
    beams: { open: going.map(({ next }) => next), ended: found },
    parents: going.map(({ parent }) => parent),
  };
}

/** Whether nothing that is open can become better than what has ended. */
export function isOver({ open, ended }: Beams, { beams }: BeamOptions): boolean {
  if (ended.length < beams) return false;
  const worst = ended.at(-1);
  const best = open[0];
  return worst !== undefined && (best === undefined || scoreOf(best) <= scoreOf(worst));
}

/** The best of all hypotheses. */
export function bestOf({ open, ended }: Beams): Hypothesis {
  const [best = { tokens: [], sum: 0 }] = [...ended, ...open].sort(
    (a, b) => scoreOf(b) - scoreOf(a),
  );
  return best;
}

/** Indices of the largest values, in descending order; of equals, the smaller index first. */
function largest(values: Float32Array, count: number): number[] {
  const cut = kthLargest(values, count);
  return [...values.keys()]
    .filter((id) => (values[id] ?? -Infinity) >= cut)
    .sort((a, b) => (values[b] ?? 0) - (values[a] ?? 0) || a - b)
    .slice(0, count);
}
