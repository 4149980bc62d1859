import type { IncidentView, JobView, StepPoint } from '@ringmaster/protocol';
import type { Cluster } from './cluster.js';
import type { Happened } from './happened.js';
import { ledgerOracle, type Ledger } from './ledger.js';

/** What a run that has ended says of itself. */
export interface Evidence {
  readonly view: JobView;
  readonly steps: readonly StepPoint[];
  readonly incidents: readonly IncidentView[];
  /** What the specification says that a step (from 1) consumes; null when the run has made no model to ask. */
  readonly ledgerAt: ((step: number) => Ledger) | null;
}

/** Compares a run that has ended with what was promised. */
export async function judgeRun(
  cluster: Cluster,
  view: JobView,
  happened: readonly Happened[],
  expected: string,
): Promise<string[]> {
  const { api, home } = cluster;
  const [steps, incidents] = await Promise.all([api.steps(view.id), api.incidents(view.id)]);
  const ledgerAt = view.result === null ? null : await ledgerOracle(home, view.result.model);
  const evidence = { view, steps, incidents, ledgerAt };
  return [...judge(evidence, happened, expected), ...cluster.unwantedEnds(), ...cluster.floods()];
}

/** What is wrong with a run, a sentence each. Pure. */
export function judge(
  { view, steps, incidents, ledgerAt }: Evidence,
  happened: readonly Happened[],
  expected: string,
): string[] {
  return [
    ...judgeResult(view, expected),
    ...judgeSteps(view, steps),
    ...(ledgerAt === null ? [] : judgeLedger(steps, ledgerAt)),
    ...judgeIncidents(incidents, happened),
  ];
}

function judgeResult({ state, result, error }: JobView, expected: string): string[] {
  if (state !== 'succeeded' || result === null)
    return [`the run ${state}: ${error === null ? '' : `${error.code}: ${error.message}`}`];
  if (result.stateHash !== expected)
    return [`the run ended with state ${result.stateHash}, the undisturbed one with ${expected}`];
  return [];
}

function judgeSteps({ steps: count }: JobView, points: readonly StepPoint[]): string[] {
  const told = new Set(points.map(({ step }) => step));
  const missing = Array.from({ length: count ?? 0 }, (_, index) => index + 1).filter(
    (step) => !told.has(step),
  );
  return missing.length === 0 ? [] : [`steps were never told: ${missing.join(', ')}`];
}

function judgeLedger(
  points: readonly StepPoint[],
  ledgerAt: NonNullable<Evidence['ledgerAt']>,
): string[] {
  return points.flatMap(({ step, ledger }) => {
    const [told, right] = [JSON.stringify(ledger), JSON.stringify(ledgerAt(step))];
    return told === right ? [] : [`step ${step} consumed ${told} instead of ${right}`];
  });
}

function judgeIncidents(
  incidents: readonly IncidentView[],
  happened: readonly Happened[],
): string[] {
  return incidents.flatMap((incident) => {
    const cause = happened.findLast(({ at }) => at <= Date.parse(incident.at));
    const told = `${incident.at} ${incident.what}`;
    if (cause === undefined) return [`an incident before any event: ${told}`];
    const { kind } = cause.entry.event;
    if (!cause.disturbs) return [`an incident although ${kind} disturbs nobody: ${told}`];
    if (cause.culprits.length > 0 && !cause.culprits.includes(incident.worker ?? ''))
      return [`${kind} (${cause.what}) is told of another worker: ${told}`];
    return [];
  });
}
