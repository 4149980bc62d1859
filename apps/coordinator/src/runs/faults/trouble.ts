import type { Interruption } from '@ringmaster/protocol';
import { recordFailure, type Context } from '../commands.js';
import type { Generation } from '../generation.js';
import { trainerOf, type Run, type Trainer, type Trouble } from '../run.js';
import { breakRing, end } from './breaking.js';
import { withStillborn, withStrike } from './exclusion.js';

/** How often a trainer may be at fault without progress in between. */
const FAULTS_TO_END = 2;

type Report = Trouble['reports'][number];

/** Ranks that each rank waits for, by rank: at most what it said itself. */
type WaitsFor = ReadonlyMap<number, readonly number[]>;

/** Breaks the ring because of what one of its members reports, or because nothing is heard of it at all. */
export function breakWithTrouble(
  run: Run,
  ring: Generation,
  reports: readonly Report[],
  step: number,
  context: Context,
): Run {
  const ranks = ring.members.map(({ trainer }) => trainer);
  const started = ring.running !== null;
  const { heard } = run.observed;
  const { generation } = ring;
  const trouble = { generation, ranks, reports, step, started, heard, known: context.now };
  return { ...breakRing(run, context), trouble };
}

/** Adds what another member of the broken ring reports. */
export function withReport(run: Run, generation: number, report: Report): Run {
  const { trouble } = run;
  if (trouble?.generation !== generation) return run;
  return { ...run, trouble: { ...trouble, reports: [...trouble.reports, report] } };
}

/** The run without a trouble that the death of one of its ring's members explains. */
export function withoutExplained(run: Run, trainer: string): Run {
  return run.trouble?.ranks.includes(trainer) === true ? { ...run, trouble: null } : run;
}

/** Reports of a trainer that has died, in sentences. */
export function reportedBy(run: Run, trainer: string): string[] {
  const rank = run.trouble?.ranks.indexOf(trainer) ?? -1;
  return (run.trouble?.reports ?? [])
    .filter((report) => report.rank === rank)
    .map(({ what }) => `It had reported: ${what}`);
}

/**
 * Names who is at fault, once all survivors have told what they were doing. Whoever is so twice without progress is
 * ended, which breaks the present ring again.
 */
export function resolveTrouble(run: Run, ring: Generation, context: Context): Run {
  const { trouble } = run;
  if (trouble === null) return run;
  const doings = interruptions(trouble, ring);
  const waits = waitsOf(trouble, doings);
  const complained = trouble.reports.map(({ rank }) => rank);
  const from = complained.length > 0 ? complained : [...doings.keys()];
  const culprit = culpritOf(waits, from);
  const rank = culprit ?? from[0] ?? 0;
  const trainer = trainerOf(run, trouble.ranks[rank] ?? '');
  const settled = { ...run, trouble: null };
  if (trainer === undefined) return settled;

  const doing = doings.get(rank);
  const what =
    culprit === null
      ? 'was in a ring whose ranks all waited for each other'
      : describeFault(trouble, culprit, waits, doing);
  const asked = { ...settled, suspect: suspicion(run, culprit === null ? null : trainer) };
  recordFailure(atBreak(run, trouble), trainer, what, context, {
    step: doing?.step ?? trouble.step,
    broke: { heard: trouble.heard, known: trouble.known },
    remarks: trouble.reports.map((report) => `Rank ${report.rank} reported: ${report.what}`),
  });
  const struck = trouble.started ? withStrike(asked, trouble.step, what) : asked;
  if (struck.state === 'failed' || (asked.suspect?.times ?? 0) < FAULTS_TO_END) return struck;
  const counted = trainer.stepped ? struck : withStillborn(struck, trainer);
  return breakRing(end({ ...counted, suspect: null }, trainer.id, context), context);
}

function suspicion({ suspect }: Run, trainer: Trainer | null): Run['suspect'] {
  if (trainer === null) return suspect;
  return { trainer: trainer.id, times: suspect?.trainer === trainer.id ? suspect.times + 1 : 1 };
}

/** What the ranks of the broken ring were doing, as they told when they promised the next. */
function interruptions(trouble: Trouble, ring: Generation): Map<number, Interruption> {
  const doings = new Map<number, Interruption>();
  for (const { trainer, prepared } of ring.members) {
    const rank = trouble.ranks.indexOf(trainer);
    const interrupted = prepared?.interrupted ?? null;
    if (rank < 0 || interrupted?.generation !== trouble.generation) continue;
    doings.set(rank, interrupted);
  }
  return doings;
}

function waitsOf(trouble: Trouble, doings: ReadonlyMap<number, Interruption>): WaitsFor {
  const waits = new Map<number, number[]>();
  const add = (rank: number, others: readonly number[]) => {
    waits.set(rank, [...(waits.get(rank) ?? []), ...others]);
  };
  for (const { rank, blames } of trouble.reports) add(rank, blames);
  for (const [rank, { waitsFor }] of doings) if (waitsFor !== null) add(rank, [waitsFor]);
  return waits;
}

/**
 * The rank at fault: the one that is waited for, through others too, and waits for nobody. Null when all that can be
 * reached wait for each other.
 * @param from Ranks that complained.
 */
function culpritOf(waits: WaitsFor, from: readonly number[]): number | null {
  const seen = new Set<number>();
  const queue = [...from];
  for (let rank = queue.shift(); rank !== undefined; rank = queue.shift()) {
    if (seen.has(rank)) continue;
    seen.add(rank);
    const next = (waits.get(rank) ?? []).filter((other) => other !== rank);
    if (next.length === 0) return rank;
    queue.push(...next);
  }
  return null;
}

function describeFault(
  trouble: Trouble,
  culprit: number,
  waits: WaitsFor,
  doing: Interruption | undefined,
): string {
  const waiting = [...waits].flatMap(([rank, others]) => (others.includes(culprit) ? [rank] : []));
  const own = trouble.reports.find(({ rank }) => rank === culprit);
  if (own !== undefined) return `could not go on: ${own.what}`;
  const what =
    doing === undefined
      ? 'held the ring up'
      : `held the ring up: it was at ${doing.doing} for ${doing.seconds.toFixed(1)} s (attempt ${doing.attempt})`;
  const plural = waiting.length === 1 ? 'rank' : 'ranks';
  return `${what}, waited for by ${plural} ${waiting.join(', ')},`;
}

/** The run with the ring that broke, as the incident tells of it. */
function atBreak(run: Run, { generation, ranks }: Trouble): Run {
  const members = ranks.map((trainer) => ({
    trainer,
    prepared: null,
    started: null,
    finished: false,
  }));
  const never = { from: null, retiring: [], start: null, withdrawn: false, issued: 0 };
  return { ...run, ring: { generation, members, ...never, told: null, running: null } };
}
