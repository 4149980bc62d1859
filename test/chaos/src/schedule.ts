import { Dice } from './dice.js';
import { drawEvent, type ChaosEvent, type Kind } from './events/index.js';

/** One event and when it happens. Times are progress, not seconds, so a slow machine plays the same schedule. */
export interface Entry {
  readonly event: ChaosEvent;
  /** Steps that are applied before it, once the event before has passed. */
  readonly gap: number;
  /** Whether the event waits until every worker takes part in the run; otherwise it strikes whoever is there. */
  readonly whole: boolean;
}

export interface ScheduleOptions {
  readonly seed: number;
  readonly events: number;
  /** Kinds to draw from. */
  readonly kinds: readonly Kind[];
  /** Most workers at a time, which is how many there are at first. */
  readonly workers: number;
}

/** A job is given up after three failures at one step; a gap keeps two events from being taken for one. */
const SHORTEST_GAP = 3;
const LONGEST_GAP = 12;

/**
 * A schedule is a function of its options. Kinds are dealt like cards, so all of them come up equally often. A worker
 * joins only where one is missing and leaves only while more than half are there: else the one becomes the other.
 */
export function makeSchedule({ seed, events, kinds, workers }: ScheduleOptions): Entry[] {
  const dice = new Dice(seed, 'schedule');
  const entries: Entry[] = [];
  let deck: Kind[] = [];
  let present = workers;
  while (entries.length < events) {
    if (deck.length === 0) deck = dice.shuffle(kinds);
    const kind = possible(deck.pop() ?? 'join', present, workers);
    if (kind === 'join') present++;
    if (kind === 'leave') present--;
    entries.push({
      event: drawEvent(kind, dice),
      gap: dice.integer(SHORTEST_GAP, LONGEST_GAP),
      whole: dice.uniform() < 0.7,
    });
  }
  return entries;
}

function possible(kind: Kind, present: number, workers: number): Kind {
  const fewest = Math.ceil(workers / 2);
  if (kind === 'join' && present === workers) return workers > fewest ? 'leave' : 'kill-worker';
  if (kind === 'leave' && present === fewest) return workers > fewest ? 'join' : 'kill-worker';
  return kind;
}

/**
 * Workers join and leave one at a time until there is each number of them in turn. A change waits until those before it
 * have come true.
 */
export function resizing(sizes: readonly number[], seed: number): Entry[] {
  const dice = new Dice(seed, 'schedule');
  return sizes.slice(1).flatMap((size, index) => {
    const change = size - (sizes[index] ?? size);
    return Array.from({ length: Math.abs(change) }, () => ({
      event: drawEvent(change > 0 ? 'join' : 'leave', dice),
      gap: dice.integer(SHORTEST_GAP, LONGEST_GAP),
      whole: true,
    }));
  });
}

export function describeEntry({ event, gap, whole }: Entry): string {
  const { kind, ...data } = event;
  const details = Object.entries(data).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  return [`+${gap} steps`, kind, ...details, ...(whole ? ['(all present)'] : [])].join(' ');
}
