import { z } from 'zod';
import type { StepListener } from './steps.js';

/** A document that a step changed or dropped. */
export interface StepExample {
  /** Where it is: file and line. */
  readonly place: string;
  /** An excerpt of what it said before. */
  readonly before: string;
  /** The same place afterwards; null where the document was dropped. */
  readonly after: string | null;
}

/** What a step of cleaning did. */
export interface StepTally {
  /** Documents that it changed and that it dropped. */
  readonly changed: number;
  readonly dropped: number;
  /** Of the first of these documents. */
  readonly examples: readonly StepExample[];
}

export const stepTallySchema = z.strictObject({
  changed: z.int().min(0),
  dropped: z.int().min(0),
  examples: z
    .array(z.strictObject({ place: z.string(), before: z.string(), after: z.string().nullable() }))
    .readonly(),
}) satisfies z.ZodType<StepTally>;

const EXAMPLES = 3;
const EXCERPT = 160;
/** Characters of an excerpt before the first that differs. */
const CONTEXT = 40;

/** Counts what the steps of cleaning do to documents, and keeps a few examples. */
export class CleaningTally {
  readonly #steps = new Map<string, StepTally>();

  /** What listens to the steps that one document goes through. */
  listener(place: string): StepListener {
    const heard = new Set<string>();
    return (step, before, after) => {
      if (heard.has(step)) return;
      heard.add(step);
      const { changed, dropped, examples } = this.#steps.get(step) ?? NOTHING;
      this.#steps.set(step, {
        changed: changed + (after === null ? 0 : 1),
        dropped: dropped + (after === null ? 1 : 0),
        examples:
          examples.length < EXAMPLES
            ? [...examples, { place, ...excerpts(before, after) }]
            : examples,
      });
    };
  }

  /** Adds what was counted over documents that come after those so far. */
  add(counted: Readonly<Record<string, StepTally>>): void {
    for (const [step, tally] of Object.entries(counted)) {
      const { changed, dropped, examples } = this.#steps.get(step) ?? NOTHING;
      this.#steps.set(step, {
        changed: changed + tally.changed,
        dropped: dropped + tally.dropped,
        examples: [...examples, ...tally.examples].slice(0, EXAMPLES),
      });
    }
  }

  counted(): Record<string, StepTally> {
    return Object.fromEntries(this.#steps);
  }
}

const NOTHING: StepTally = { changed: 0, dropped: 0, examples: [] };

/** The place where two texts differ first; of a text that was dropped, its beginning. */
function excerpts(before: string, after: string | null): Omit<StepExample, 'place'> {
  if (after === null) return { before: cut(before, 0), after };
  let first = 0;
  while (first < before.length && before[first] === after[first]) first++;
  const from = Math.max(0, first - CONTEXT);
  return { before: cut(before, from), after: cut(after, from) };
}

const cut = (text: string, from: number): string => text.slice(from, from + EXCERPT);
