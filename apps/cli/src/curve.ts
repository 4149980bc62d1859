import type { StepPoint } from '@ringmaster/protocol';
import asciichart from 'asciichart';

const HEIGHT = 12;
const WIDTH = 72;

/** The loss curve of a job for a terminal: means of equal parts of its steps, and below it how far it goes. */
export function drawCurve(points: readonly StepPoint[]): string {
  const seen = points.filter(({ loss }) => loss !== null);
  const [first] = seen;
  const last = seen.at(-1);
  if (first === undefined || last === undefined)
    return 'It has made no step that counted anything.';
  const columns = Math.min(WIDTH, seen.length);
  const means = Array.from({ length: columns }, (_, column) => {
    const part = seen.slice(
      Math.floor((column * seen.length) / columns),
      Math.floor(((column + 1) * seen.length) / columns),
    );
    return part.reduce((sum, { loss }) => sum + (loss ?? 0), 0) / part.length;
  });
  const chart = asciichart.plot(means, {
    height: HEIGHT,
    format: (value) => value.toPrecision(4).padStart(11),
  });
  return `loss (nats), steps ${first.step} to ${last.step}\n\n${chart}`;
}
