import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster } from '@ringmaster/chaos';
import { detection, type StepTimes } from '@ringmaster/protocol';
import { table, type Findings, type Pace } from '../report.js';
import { median } from '../statistics.js';
import { startOurs, type Side } from './sides.js';
import { GPT } from './shapes.js';
import { TrainingHome } from './training-home.js';

/** Steps after a start that nobody is timed on. */
const WARM_UP_STEPS = 3;
const POLL_MS = 500;
/** Longest that a round of the cluster may take. */
const LIMIT_MS = 120_000;
const CHOSEN = { dropout: 0, microbatches: 1, precision: 'float32' } as const;

/**
 * What it costs to be orchestrated: the steps of one worker under a coordinator, beside the same steps of a trainer's
 * loop that nobody watches. One side is at rest while the other steps: the job is paused meanwhile.
 */
export async function overhead({ rounds, steps }: Pace): Promise<Findings> {
  const home = await TrainingHome.create(GPT, WARM_UP_STEPS + rounds * (steps + WARM_UP_STEPS));
  const cluster = await Cluster.create({ leaseMs: detection.leaseMs });
  const side = await startOurs(home, CHOSEN, 1);
  try {
    await cluster.startCoordinator();
    await cluster.addWorker();
    const { spec } = home.launch(CHOSEN);
    const { id } = await cluster.api.submit(spec);
    const orchestrated: number[] = [];
    const bare: number[] = [];
    for (let round = 0; round < rounds; round++) {
      if (round > 0) await cluster.api.command(id, 'resume');
      orchestrated.push(await stepsOfJob(cluster, id, steps));
      await paused(cluster, id);
      bare.push(await stepsOfLoop(side, steps));
      console.error(`round ${round + 1} of ${rounds}`);
    }
    await cluster.api.command(id, 'cancel');
    return findings(orchestrated, bare, steps);
  } finally {
    await side.end();
    await cluster.down();
    await cluster.remove();
    await home.remove();
  }
}

/** Mean seconds from the start of a step to the start of the next, whatever happens in between. */
async function stepsOfJob({ api }: Cluster, id: string, steps: number): Promise<number> {
  const deadline = performance.now() + LIMIT_MS;
  const { generation: before } = await api.profile(id);
  for (;;) {
    const { generation, ranks } = await api.profile(id);
    const made = generation > before ? (ranks[0]?.steps ?? []) : [];
    const timed = made.slice(WARM_UP_STEPS, WARM_UP_STEPS + steps + 1);
    if (timed.length === steps + 1) return meanSeconds(timed);
    if (performance.now() > deadline) throw new Error(`no ${steps} steps within ${LIMIT_MS} ms`);
    await sleep(POLL_MS);
  }
}

async function stepsOfLoop(side: Side, steps: number): Promise<number> {
  await side.takeTurn({ steps: WARM_UP_STEPS });
  const { seconds } = await side.takeTurn({ steps });
  return seconds / steps;
}

function meanSeconds(steps: readonly StepTimes[]): number {
  const [first, last] = [steps[0]?.startedAt ?? NaN, steps.at(-1)?.startedAt ?? NaN];
  return (last - first) / 1000 / (steps.length - 1);
}

async function paused({ api }: Cluster, id: string): Promise<void> {
  await api.command(id, 'pause');
  while ((await api.job(id)).state !== 'paused') await sleep(POLL_MS);
}

function findings(
  orchestrated: readonly number[],
  bare: readonly number[],
  steps: number,
): Findings {
  const overheads = orchestrated.map((seconds, round) => seconds / (bare[round] ?? NaN) - 1);
  const milliseconds = (values: readonly number[]) => values.map((seconds) => seconds * 1000);
  const row = (name: string, values: readonly number[], digits: number) => [
    name,
    ...[median(values), Math.min(...values), Math.max(...values)].map((value) =>
      value.toFixed(digits),
    ),
  ];
  return {
    benchmark: 'overhead',
    versions: { node: process.versions.node },
    rows: [],
    figures: {
      'orchestrated, ms a step': milliseconds(orchestrated),
      'bare, ms a step': milliseconds(bare),
      overhead: overheads,
    },
    notes: [
      `One worker of one thread under a coordinator, all on this machine, beside the bare step loop of a trainer: the ` +
        `same job, the GPT of \`train\` with one microbatch a step. ${bare.length} rounds of ${steps} steps a side in turns, ` +
        `the other side at rest. Of the job the time runs from the start of a step to the start of a later one.`,
      table(
        ['figure', 'median', 'smallest', 'largest'],
        [
          row('orchestrated, ms a step', milliseconds(orchestrated), 1),
          row('bare, ms a step', milliseconds(bare), 1),
          row(
            'overhead of a round, %',
            overheads.map((share) => 100 * share),
            1,
          ),
        ],
      ),
    ],
  };
}
