import { isFinal, type JobView } from '@ringmaster/protocol';
import type { Cluster } from './cluster.js';
import { applyEvent, disturbs } from './events/index.js';
import type { Endured, Happened } from './happened.js';
import { jobOf, type JobOptions } from './job.js';
import { Impatience, until } from './patience.js';
import type { Entry } from './schedule.js';
import { RunIsOver, Stage } from './stage.js';
import { judgeRun } from './verdict.js';

/** Longest that a run may go without a new step: loading, forming and a long deadline of a ring included. */
const PROGRESS_MS = 180_000;
/** Longest that an event waits for every worker to take part; after that it strikes whoever is there. */
const GATHERING_MS = 30_000;
/** Steps that a run must have left for one more event. */
const ROOM = 30;

/** Runs in a row without an event, after which more of them would not help. */
const UNEVENTFUL = 3;

export interface EndureOptions {
  readonly cluster: Cluster;
  readonly schedule: readonly Entry[];
  readonly job: JobOptions;
  /** State hash of the undisturbed run. */
  readonly expected: string;
  /** What goes on, many times a second. */
  readonly onProgress: (line: string) => void;
  /** What has happened, once. */
  readonly onHappened: (line: string) => void;
}

/** Trains without any event. @returns the state hash that every other run of this job must end with */
export async function trainUndisturbed(cluster: Cluster, job: JobOptions): Promise<string> {
  const stage = await submit(cluster, job);
  const view = await watch(stage, ({ state }) => isFinal(state));
  if (view.result === null)
    throw new Error(`the undisturbed run ${view.state}: ${view.error?.message ?? ''}`);
  return view.result.stateHash;
}

/** Lets a schedule happen, to as many runs of the job as it takes, and stops at the first that is not as it should be. */
export async function endure(options: EndureOptions): Promise<Endured[]> {
  const { cluster, schedule } = options;
  const runs: Endured[] = [];
  let next = 0;
  let uneventful = 0;
  while (next < schedule.length) {
    const stage = await submit(cluster, options.job);
    const happened: Happened[] = [];
    const run = await endureOne(stage, schedule.slice(next), happened, options);
    runs.push(run);
    next += happened.length;
    if (run.violations.length > 0) break;
    uneventful = happened.length === 0 ? uneventful + 1 : 0;
    if (uneventful === UNEVENTFUL)
      throw new Error(
        `${UNEVENTFUL} runs were over before an event happened; give them more steps`,
      );
  }
  return runs;
}

async function endureOne(
  stage: Stage,
  entries: readonly Entry[],
  happened: Happened[],
  options: EndureOptions,
): Promise<Endured> {
  const { cluster, onProgress, onHappened } = options;
  const { job } = stage;
  const said = (view: JobView, what: string) =>
    `${job} step ${view.step}/${view.steps ?? '?'} generation ${view.generation} workers ${view.workers.length}: ${what}`;
  try {
    let since = 0;
    for (const entry of entries) {
      const before = await moment(stage, entry, since, (candidate, what) => {
        onProgress(said(candidate, what));
      });
      if (before === null) break;
      const at = Date.now();
      onProgress(said(before, entry.event.kind));
      const applied = await applyEvent(entry.event, stage).catch((error: unknown) => {
        if (error instanceof RunIsOver) return null;
        throw error;
      });
      if (applied === null) break;
      const seen = (await stage.view()).step;
      const after = await watch(stage, ({ state, step }) => isFinal(state) || step > seen);
      const stallSeconds = isFinal(after.state) ? null : (Date.now() - at) / 1000;
      const stall = stallSeconds === null ? 'the run is over' : `${stallSeconds.toFixed(2)} s`;
      onHappened(said(before, `${entry.event.kind} ${applied.what}: ${stall}`));
      happened.push({
        ...applied,
        entry,
        at,
        disturbs: disturbs(entry.event),
        step: before.step,
        stallSeconds,
      });
      since = after.step;
    }
    const view = await watch(stage, ({ state }) => isFinal(state));
    onHappened(said(view, view.state));
    const violations = await judgeRun(cluster, view, happened, options.expected);
    return { job, happened, view, violations };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const kind = error instanceof Impatience ? 'hang' : 'failure of an event';
    const violations = [`${kind}: ${error.message}`, ...cluster.unwantedEnds()];
    return { job, happened, view: await stage.view(), violations };
  }
}

/** Waits for an entry's moment; null when the run has not enough steps left for it. */
async function moment(
  stage: Stage,
  { gap, whole, event }: Entry,
  since: number,
  say: (view: JobView, what: string) => void,
): Promise<JobView | null> {
  const room = ({ step, steps, state }: JobView) =>
    !isFinal(state) && (steps === null || step + ROOM <= steps);
  let shown = -1;
  let deadline: number | null = null;
  const view = await watch(stage, (candidate) => {
    if (candidate.step !== shown) say(candidate, `${event.kind} after step ${since + gap}`);
    shown = candidate.step;
    if (!room(candidate)) return true;
    if (candidate.state !== 'running' || candidate.step < since + gap) return false;
    deadline ??= performance.now() + GATHERING_MS;
    const all = candidate.workers.length >= stage.cluster.workers.length;
    return all || !whole || performance.now() > deadline;
  });
  return room(view) ? view : null;
}

/** Looks at a run until it is as wanted. @throws Impatience when it makes no step for long */
async function watch(stage: Stage, isWanted: (view: JobView) => boolean): Promise<JobView> {
  let newest = -1;
  for (;;) {
    const view = await until(
      `a step of ${stage.job} after ${newest}`,
      async () => {
        const candidate = await stage.cluster.api.job(stage.job);
        return isWanted(candidate) || candidate.step > newest ? candidate : null;
      },
      PROGRESS_MS,
    );
    const ends = stage.cluster.unwantedEnds();
    if (ends.length > 0) throw new Error(ends.join('\n'));
    if (isWanted(view)) return view;
    newest = view.step;
  }
}

async function submit(cluster: Cluster, job: JobOptions): Promise<Stage> {
  const { id } = await cluster.api.submit(jobOf(cluster.home.root, job));
  return new Stage(cluster, id);
}
