import type { Phases, ProfileView, StepTimes } from '@ringmaster/protocol';
import { table } from './output.js';

/** `other` is what a step does besides its phases; `between`, what a rank does from one step to the next. */
const COLUMNS = ['compute', 'quantise', 'send', 'wait', 'update', 'other', 'between'] as const;

type Times = Readonly<Record<(typeof COLUMNS)[number], number>>;

/** Where the time of the newest steps went, in milliseconds a step and as a share of the whole. */
export function describeProfile({ job, generation, ranks }: ProfileView): string {
  const seen = ranks.filter(({ steps }) => steps.length > 0);
  if (seen.length === 0)
    return `Job ${job} has made no step that this coordinator knows of, or ended more than ten minutes ago.`;
  const steps = seen.flatMap((rank) => rank.steps.map(({ step }) => step));
  const [first, last] = [Math.min(...steps), Math.max(...steps)];
  const rows = seen.map(({ rank, worker, steps }) => {
    const times = meanTimes(steps);
    const whole = COLUMNS.reduce((sum, column) => sum + times[column], 0);
    const cells = COLUMNS.map((column) => {
      const share = Math.round((100 * times[column]) / Math.max(whole, 1e-9));
      return `${milliseconds(times[column])} ${`(${share}%)`.padStart(6)}`;
    });
    return [rank, worker, steps.length, milliseconds(whole), ...cells];
  });
  return [
    `Steps ${first} to ${last} of job ${job}, generation ${generation}: milliseconds a step, and the share of the whole.`,
    '',
    table(['RANK', 'WORKER', 'STEPS', 'WHOLE', ...COLUMNS.map((name) => name.toUpperCase())], rows),
  ].join('\n');
}

/** Seconds a step, means over some: they add up to the time that passed. */
function meanTimes(steps: readonly StepTimes[]): Times {
  const mean = (of: (times: StepTimes) => number) =>
    steps.reduce((sum, times) => sum + of(times), 0) / steps.length;
  const phase = (name: keyof Phases) => mean(({ phases }) => phases[name]);
  const [compute, quantise, send] = [phase('compute'), phase('quantise'), phase('send')];
  const [wait, update] = [phase('wait'), phase('update')];
  const within = mean(({ seconds }) => seconds);
  return {
    compute,
    quantise,
    send,
    wait,
    update,
    other: Math.max(0, within - compute - quantise - send - wait - update),
    between: betweenSteps(steps),
  };
}

/** Mean seconds from the end of a step to the start of the next: evaluations, checkpoints, changes of the ring. */
function betweenSteps(steps: readonly StepTimes[]): number {
  const gaps = steps.slice(1).map(({ startedAt }, index) => {
    const { startedAt: before = startedAt, seconds = 0 } = steps[index] ?? {};
    return Math.max(0, (startedAt - before) / 1000 - seconds);
  });
  return gaps.reduce((sum, gap) => sum + gap, 0) / Math.max(gaps.length, 1);
}

function milliseconds(seconds: number): string {
  return (seconds * 1000).toFixed(1);
}
