import type { Phases, ProfileView, StepTimes } from '@ringmaster/protocol';

/** In the order in which a step begins them. */
const PHASES = [
  'compute',
  'quantise',
  'send',
  'wait',
  'update',
] as const satisfies readonly (keyof Phases)[];

/**
 * One event of Chrome's trace format, times in microseconds; a row (`tid`) for each rank.
 * https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
 */
type TraceEvent = Span | Name;

interface Span {
  readonly ph: 'X';
  readonly name: string;
  readonly pid: 0;
  readonly tid: number;
  readonly ts: number;
  readonly dur: number;
  readonly args?: Readonly<Record<string, number>>;
}

interface Name {
  readonly ph: 'M';
  readonly name: 'thread_name' | 'process_name';
  readonly pid: 0;
  readonly tid: number;
  readonly args: { readonly name: string };
}

/**
 * A profile as a trace that chrome://tracing and Perfetto show: a row for each rank, in it the steps, in each its
 * phases. How long each phase took in all is what was measured; they are drawn one after the other, though quantising
 * runs between the gradients and waiting between the sends. Rows of several hosts are as far apart as their clocks.
 */
export function traceOf({ job, generation, ranks }: ProfileView): {
  readonly traceEvents: readonly TraceEvent[];
  readonly displayTimeUnit: 'ms';
} {
  const starts = ranks.flatMap(({ steps }) => steps.map(({ startedAt }) => startedAt));
  const origin = starts.reduce((first, start) => Math.min(first, start), Infinity);
  const rows = ranks.flatMap(({ rank, worker, steps }): TraceEvent[] => [
    nameOf(rank, 'thread_name', `rank ${rank} on ${worker}`),
    ...steps.flatMap((times) => spansOf(times, rank, origin)),
  ]);
  const name = nameOf(0, 'process_name', `job ${job}, generation ${generation}`);
  return { traceEvents: [name, ...rows], displayTimeUnit: 'ms' };
}

/** A step, and within it its phases. */
function spansOf(times: StepTimes, tid: number, originMs: number): Span[] {
  const { step, startedAt, seconds, phases, attempts, microbatches } = times;
  const span = (name: string, ts: number, dur: number): Span => ({
    ph: 'X',
    name,
    pid: 0,
    tid,
    ts,
    dur,
  });
  let end = (startedAt - originMs) * 1e3;
  const whole = span(`step ${step}`, end, seconds * 1e6);
  const parts = PHASES.map((phase) => {
    const part = span(phase, end, phases[phase] * 1e6);
    end += part.dur;
    return part;
  });
  return [{ ...whole, args: { attempts, microbatches } }, ...parts];
}

function nameOf(tid: number, kind: Name['name'], name: string): Name {
  return { ph: 'M', name: kind, pid: 0, tid, args: { name } };
}
