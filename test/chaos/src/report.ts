import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { dirname } from 'node:path';
import { format, resolveConfig } from 'prettier';
import type { IncidentView, Recovery } from '@ringmaster/protocol';
import type { Endured, Happened } from './happened.js';

export interface Report {
  /** ISO 8601. */
  readonly date: string;
  readonly command: string;
  readonly seed: number;
  /** State hash of the undisturbed run. */
  readonly expected: string;
  readonly runs: readonly Endured[];
  /** What was wrong once everything had been ended. */
  readonly violations: readonly string[];
  readonly incidents: readonly IncidentView[];
}

const PHASES = [
  'detect',
  'abort',
  'form',
  'transfer',
  'firstStep',
] as const satisfies (keyof Recovery)[];

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [head, head.map(() => '---'), ...rows].map(line).join('\n');
}

/** Median and largest, in seconds. */
function summary(values: readonly number[]): string {
  if (values.length === 0) return '–';
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.slice(
    Math.floor((sorted.length - 1) / 2),
    Math.floor(sorted.length / 2) + 1,
  );
  const median = middle.reduce((sum, value) => sum + value, 0) / middle.length;
  return `${median.toFixed(2)} / ${Math.max(...values).toFixed(2)}`;
}

export function markdown({
  date,
  command,
  seed,
  expected,
  runs,
  violations,
  incidents,
}: Report): string {
  const happened = runs.flatMap((run) => run.happened);
  const kinds = [...new Set(happened.map(({ entry }) => entry.event.kind))].sort();
  const of = (kind: string) => happened.filter(({ entry }) => entry.event.kind === kind);
  const stalls = (events: readonly Happened[]) =>
    events.flatMap(({ stallSeconds }) => stallSeconds ?? []);
  const recoveries = incidents.flatMap(({ recovery }) => recovery ?? []);
  const wrong = [
    ...runs.flatMap((run) => run.violations.map((one) => `${run.job}: ${one}`)),
    ...violations,
  ];
  const [processor] = cpus();
  return [
    `# Chaos, ${date.slice(0, 10)}`,
    `\`${command}\` (seed ${seed})`,
    `${cpus().length} × ${processor?.model.trim() ?? 'unknown'}; load ${(loadavg()[0] ?? 0).toFixed(1)} at the end.`,
    wrong.length === 0
      ? `${happened.length} events in ${runs.length} runs. Every run ended with the state of the undisturbed one, \`${expected}\`; every step was told, every incident had a cause, and no process was left.`
      : `**${wrong.length} violations** after ${happened.length} events in ${runs.length} runs:\n\n${wrong.map((one) => `- ${one}`).join('\n')}`,
    '## Events',
    'Time from the event until a step was applied that had not been, its own duration included: median / largest, in seconds.',
    table(
      ['kind', 'events', 'until the next step'],
      kinds.map((kind) => [kind, String(of(kind).length), summary(stalls(of(kind)))]),
    ),
    '## Recoveries',
    `${incidents.length} incidents, ${recoveries.length} of them with a recovery: median / largest of each phase, in seconds.`,
    table(
      ['phase', 'seconds'],
      PHASES.map((phase) => [phase, summary(recoveries.map((recovery) => recovery[phase]))]),
    ),
    '',
  ].join('\n\n');
}

export async function writeReport(report: Report, path: string): Promise<void> {
  const style = await resolveConfig(path);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, await format(markdown(report), { ...style, parser: 'markdown' }));
}
