import { detection, type Recovery } from '@ringmaster/protocol';
import { table, type Findings, type Pace } from '../report.js';
import { median } from '../statistics.js';
import { changeMembers, type Change } from './changes.js';
import { freezeHosts, killTrainers, type Failure } from './failures.js';
import { LONG, ObservedRun, SHORT } from './run.js';

const WORKERS = 4;
/** Each costs a lease and a load; fewer are enough. */
const MOST_FREEZES = 5;

const phases = {
  detect: 'until the coordinator knew',
  abort: 'until the survivors had ended the old ring',
  form: 'until the new ring was linked',
  transfer: 'taking the state over',
  firstStep: 'until its first step was applied',
} as const satisfies Record<keyof Recovery, string>;

/** What failures and planned changes cost the workers that remain. */
export async function recovery({ rounds }: Pace): Promise<Findings> {
  const { leaseMs } = detection;
  const short = await ObservedRun.start(SHORT, WORKERS, leaseMs);
  const kills = await killTrainers(short, rounds);
  const freezes = await freezeHosts(short, Math.min(rounds, MOST_FREEZES));
  await short.end();
  const long = await ObservedRun.start(LONG, WORKERS, leaseMs);
  const { leaves, joins } = await changeMembers(long, Math.min(rounds, MOST_FREEZES));
  await long.end();
  return {
    benchmark: 'recovery',
    versions: { node: process.versions.node },
    rows: [],
    figures: {
      'kill, seconds': kills.map(({ seconds }) => seconds),
      'freeze, seconds': freezes.map(({ seconds }) => seconds),
      'leave, steps lost': leaves.map(({ stepsLost }) => stepsLost),
      'join, steps lost': joins.map(({ stepsLost }) => stepsLost),
    },
    notes: [
      `${WORKERS} workers on one machine, a lease of ${leaseMs / 1000} s.`,
      '## Failures',
      'Seconds from the signal until the first step of the ring without the victim was told.',
      table(
        ['failure', 'times', 'median', 'largest', 'target'],
        [
          row('SIGKILL of a trainer', kills, 'median ≤ 1, largest ≤ 3'),
          row('SIGSTOP of a worker and its trainer', freezes, `largest ≤ ${leaseMs / 1000 + 1}`),
        ],
      ),
      'By phase, as the incidents of the kills tell it: seconds.',
      phaseTable(kills),
      '## Planned changes',
      'Time that the others lost, in units of a step (target: less than one); beside it the same arithmetic over as many steps without a change.',
      table(
        ['change', 'times', 'median', 'largest', 'without a change: median', 'largest'],
        [changeRow('a worker leaves', leaves), changeRow('a worker joins', joins)],
      ),
    ],
  };
}

function row(name: string, failures: readonly Failure[], target: string): string[] {
  return [name, ...summary(failures.map(({ seconds }) => seconds)), target];
}

function phaseTable(failures: readonly Failure[]): string {
  const told = failures.flatMap(({ recovery: found }) => found ?? []);
  return table(
    ['phase', 'times', 'median', 'largest'],
    Object.entries(phases).map(([phase, meaning]) => [
      `${phase}: ${meaning}`,
      ...summary(told.map((one) => one[phase as keyof Recovery])),
    ]),
  );
}

function changeRow(name: string, changes: readonly Change[]): string[] {
  const [, ...anyway] = summary(changes.map(({ stepsLostAnyway }) => stepsLostAnyway));
  return [name, ...summary(changes.map(({ stepsLost }) => stepsLost)), ...anyway];
}

/** How many, their median and the largest. */
function summary(values: readonly number[]): string[] {
  if (values.length === 0) return ['0', '–', '–'];
  return [String(values.length), median(values).toFixed(2), Math.max(...values).toFixed(2)];
}
