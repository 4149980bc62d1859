/** Generations whose last reports may still be under way. */
const GENERATIONS_KEPT = 16;

/**
 * The steps of a job that have been counted. Every rank of a generation tells of each of its steps, in order, and any of them
 * may die before it could: so a step is counted when the first one tells of it, and again when another generation repeats it.
 */
export class CountedSteps {
  /** Newest step that was counted, by generation. */
  readonly #newest = new Map<number, number>();

  /** The steps of a report that no rank of its generation has told of before. */
  uncounted<Report extends { readonly step: number }>(
    generation: number,
    reports: readonly Report[],
  ): Report[] {
    const before = this.#newest.get(generation) ?? 0;
    const fresh = reports.filter(({ step }) => step > before);
    const newest = fresh.reduce((last, { step }) => Math.max(last, step), before);
    this.#newest.set(generation, newest);
    for (const known of this.#newest.keys())
      if (known <= generation - GENERATIONS_KEPT) this.#newest.delete(known);
    return fresh;
  }
}
