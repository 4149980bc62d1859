import type { StepPoint, StepReport } from '@ringmaster/protocol';

/** Ranks tell of a step within a report or two of each other. */
const STEPS_KEPT = 256;

/** The newest points of a loss curve that are in the store, against which those of every rank are held. */
export class KnownPoints {
  readonly #points = new Map<number, StepPoint>();

  /** Points that the store does not hold alike. */
  unknown(points: readonly StepPoint[]): StepPoint[] {
    return points.filter((point) => {
      const known = this.#points.get(point.step);
      return known === undefined || !isSame(known, point);
    });
  }

  /** Notes points that the store holds now. */
  add(points: readonly StepPoint[]): void {
    for (const point of points) {
      this.#points.delete(point.step);
      this.#points.set(point.step, point);
    }
    for (const step of this.#points.keys()) {
      if (this.#points.size <= STEPS_KEPT) return;
      this.#points.delete(step);
    }
  }
}

/** Whether two points are the same in all that ranks cannot differ in: each has its own seconds. */
function isSame(a: StepPoint, b: StepPoint): boolean {
  return (
    a.loss === b.loss &&
    a.gradientNorm === b.gradientNorm &&
    a.ledger?.samples === b.ledger?.samples &&
    a.ledger?.digest === b.ledger?.digest
  );
}

/** The point of the loss curve that a step makes. */
export function pointOf(report: StepReport): StepPoint {
  const { step, loss, learningRate, gradientNorm, tokens, seconds, ledger } = report;
  const tokensPerSecond = tokens / Math.max(seconds, 1e-9);
  return { step, loss, learningRate, gradientNorm, tokensPerSecond, ledger };
}
