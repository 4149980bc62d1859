import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { trainerEnvironment } from '@ringmaster/tensorflow';
import { table, type Findings, type Pace } from '../report.js';
import type { OperationTime } from './operation-times.js';
import { WARM_UP_STEPS } from './train.js';
import { caseOf, type Case } from './cases.js';
import type { TrainCase } from './shapes.js';
import { TrainingHome } from './training-home.js';

/** Sums over the steps of one profiled process. */
export interface Profile {
  readonly processorSeconds: number;
  /** Wall time. */
  readonly phases: Readonly<
    Record<'compute' | 'quantise' | 'send' | 'wait' | 'update' | 'total', number>
  >;
  readonly operations: readonly OperationTime[];
  readonly versions: Readonly<Record<string, string>>;
}

const DEFAULT_CASES = ['gpt-float32', 'gpt-bfloat16', 'alone-gpt-dropout'];

/** Rows of the table of shapes; what is left out is less than a percent each. */
const SHAPES = 40;

/** Where the time of our training step goes, by operation, in processor time. */
export async function profile(pace: Pace): Promise<Findings> {
  const steps = pace.rounds * pace.steps;
  const notes: string[] = [
    `Cases of \`train\` in one process, ${steps} steps each. Milliseconds a step of processor time; phases are wall time, ` +
      `which other programs lengthen. "outside of TensorFlow" is JavaScript, quantising, the update and all else.`,
  ];
  let versions: Readonly<Record<string, string>> = {};
  for (const name of pace.only ?? DEFAULT_CASES) {
    const found = await profileOf(caseOf(name), steps);
    ({ versions } = found);
    notes.push(`## ${name}`);
    notes.push(phaseTable(found, steps), operationTable(found, steps), shapeTable(found, steps));
  }
  return { benchmark: 'profile', versions, rows: [], notes };
}

async function profileOf({ shape, workers, ...chosen }: Case, steps: number): Promise<Profile> {
  const home = await TrainingHome.create(shape, WARM_UP_STEPS + steps);
  try {
    return await profileIn(home, { ...chosen, microbatches: workers }, steps);
  } finally {
    await home.remove();
  }
}

async function profileIn(
  home: TrainingHome,
  chosen: Omit<TrainCase, 'shape'>,
  steps: number,
): Promise<Profile> {
  const settings = {
    home: home.root,
    launch: home.launch(chosen),
    rank: 0,
    size: 1,
    steps,
    warmUp: WARM_UP_STEPS,
  };
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [fileURLToPath(new URL('./profile.process.js', import.meta.url)), JSON.stringify(settings)],
    {
      env: trainerEnvironment({ threads: 1, device: { kind: 'cpu' } }),
      maxBuffer: 2 ** 24,
    },
  );
  return JSON.parse(stdout) as Profile;
}

function phaseTable({ phases, processorSeconds }: Profile, steps: number): string {
  const milliseconds = (seconds: number) => ((seconds / steps) * 1000).toFixed(0);
  return table(
    ['', 'processor', 'wall', 'compute', 'quantise', 'send', 'wait', 'update'],
    [
      [
        'ms a step',
        ...[processorSeconds, phases.total, phases.compute, phases.quantise].map(milliseconds),
        ...[phases.send, phases.wait, phases.update].map(milliseconds),
      ],
    ],
  );
}

function operationTable({ operations, processorSeconds }: Profile, steps: number): string {
  const sums = new Map<string, { calls: number; seconds: number }>();
  for (const { operation, calls, seconds } of operations) {
    const sum = sums.get(operation) ?? { calls: 0, seconds: 0 };
    sums.set(operation, { calls: sum.calls + calls, seconds: sum.seconds + seconds });
  }
  const inside = operations.reduce((sum, { seconds }) => sum + seconds, 0);
  const rows = [...sums]
    .toSorted(([, a], [, b]) => b.seconds - a.seconds)
    .map(([operation, { calls, seconds }]) => [operation, calls / steps, seconds] as const);
  return table(
    ['operation', 'calls', 'ms', 'share'],
    [...rows, ['outside of TensorFlow', 0, processorSeconds - inside] as const].map(
      ([operation, calls, seconds]) => [
        operation,
        calls.toFixed(0),
        ((seconds / steps) * 1000).toFixed(1),
        `${((100 * seconds) / processorSeconds).toFixed(1)} %`,
      ],
    ),
  );
}

function shapeTable({ operations }: Profile, steps: number): string {
  return table(
    ['operation and output', 'calls', 'ms'],
    operations
      .slice(0, SHAPES)
      .map(({ operation, output, calls, seconds }) => [
        `${operation} [${output}]`,
        (calls / steps).toFixed(0),
        ((seconds / steps) * 1000).toFixed(1),
      ]),
  );
}
