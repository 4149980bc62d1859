import { writeFile } from 'node:fs/promises';
import { format, resolveConfig } from 'prettier';
import type { Turn } from './contestant.js';
import type { Machine } from './machine.js';
import { median, spread } from './statistics.js';

/** A note for reports on what has a target. */
export const LIMITS_NOTE =
  'What is aimed at, what has been reached and what bounds it: [where the limits are](../README.md#where-the-limits-are).';

/** One comparison. */
export interface Row {
  readonly case: string;
  readonly unit: string;
  /** Medians over the rounds. */
  readonly ours: number;
  readonly peer: number;
  /** Median over the rounds of ours / peer: above 1, ours is faster. */
  readonly ratio: number;
  /** Smallest and largest ratio of a round. */
  readonly spread: readonly [number, number];
  /** The same ratio per second of processor time, which other programs of the machine hardly change. */
  readonly processorRatio: number;
  readonly rounds: readonly { readonly ours: number; readonly peer: number }[];
}

export interface Report {
  readonly benchmark: string;
  /** ISO 8601. */
  readonly date: string;
  readonly command: string;
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  readonly rows: readonly Row[];
  /** What has no peer to be compared with: every value that was taken, by name. */
  readonly figures?: Readonly<Record<string, readonly number[]>>;
  /** Paragraphs and tables for people. */
  readonly notes: readonly string[];
}

/** A benchmark's part of a report. */
export type Findings = Omit<Report, 'date' | 'machine' | 'command'>;

/** How long a benchmark takes. */
export interface Pace {
  /** Times that every side has its turn. */
  readonly rounds: number;
  /** Steps a turn. */
  readonly steps: number;
  /** Names of the cases to compare; all where it is left out. */
  readonly only?: readonly string[];
  /** What both sides compute on; a graphics card is the first one of the machine. */
  readonly device: 'cpu' | 'gpu';
}

/** Rates of one side in each round. */
interface Rates {
  /** Units a second of wall time. */
  readonly wall: readonly number[];
  /** Units a second of processor time. */
  readonly processor: readonly number[];
}

/** The rates of turns that each did `amount` units. */
export function ratesOf(turns: readonly Turn[] | undefined, amount: number): Rates {
  if (turns === undefined) throw new Error('this side had no turn');
  return {
    wall: turns.map(({ seconds }) => amount / seconds),
    processor: turns.map(({ processorSeconds }) => amount / processorSeconds),
  };
}

export function rowOf(name: string, unit: string, ours: Rates, peer: Rates): Row {
  const ratios = (of: keyof Rates) =>
    ours[of].map((rate, round) => rate / (peer[of][round] ?? NaN));
  const wall = ratios('wall');
  return {
    case: name,
    unit,
    ours: median(ours.wall),
    peer: median(peer.wall),
    ratio: median(wall),
    spread: spread(wall),
    processorRatio: median(ratios('processor')),
    rounds: ours.wall.map((rate, round) => ({ ours: rate, peer: peer.wall[round] ?? NaN })),
  };
}

/** A table in Markdown; the first column is text, the others are numbers. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, column) => (column === 0 ? '---' : '---:'));
  return [head, rule, ...rows].map(line).join('\n');
}

function comparisonTable(rows: readonly Row[]): string {
  return table(
    ['case', 'ours', 'peer', 'unit', 'ratio', 'spread', 'ratio by processor time'],
    rows.map((row) => [
      row.case,
      figure(row.ours),
      figure(row.peer),
      row.unit,
      row.ratio.toFixed(2),
      row.spread.map((ratio) => ratio.toFixed(2)).join('–'),
      row.processorRatio.toFixed(2),
    ]),
  );
}

/** Three digits that count. */
function figure(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

export function markdown(report: Report): string {
  const { benchmark, date, command, machine, versions, rows, notes } = report;
  const { processor, processors, memoryGiB, load } = machine;
  const names = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    `# Benchmark: ${benchmark}, ${date.slice(0, 10)}`,
    `\`${command}\``,
    `${processors} × ${processor}, ${memoryGiB} GiB; load ${load} at the end. ${names.join(', ')}.`,
    ...(rows.length === 0 ? [] : [comparisonTable(rows)]),
    ...notes,
    '',
  ].join('\n\n');
}

/** Writes a report for people and, where asked for, for programs. */
export async function writeReport(
  report: Report,
  { path, json }: { path: string; json: string | undefined },
): Promise<void> {
  const style = await resolveConfig(path);
  await writeFile(path, await format(markdown(report), { ...style, parser: 'markdown' }));
  if (json !== undefined) await writeFile(json, JSON.stringify(report, null, 2) + '\n');
}
