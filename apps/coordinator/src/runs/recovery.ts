import type { Recovery } from '@ringmaster/protocol';
import { isRunning, type Generation } from './generation.js';
import type { Run } from './run.js';
import type { Turn } from './turn.js';

/** Completes the incidents that broke a ring, now that the first step of the next one is applied. */
export function recover(run: Run, turn: Turn): Run {
  const { ring, recovering } = run;
  if (recovering.length === 0 || !isRunning(ring)) return run;
  for (const { incident, heard, known } of recovering) {
    const recovery = timed(ring, heard, known, turn.now);
    turn.commands.push({ type: 'recovered', incident, recovery });
  }
  return { ...run, recovering: [] };
}

function timed(ring: Generation, heard: number, known: number, now: number): Recovery {
  const told = Math.max(known, ring.told ?? known);
  const running = Math.max(told, ring.running ?? told);
  const slowest = Math.max(...ring.members.map(({ started }) => started ?? 0));
  const transfer = Math.min(slowest, (running - told) / 1000);
  return {
    detect: (known - heard) / 1000,
    abort: (told - known) / 1000,
    form: (running - told) / 1000 - transfer,
    transfer,
    firstStep: (now - running) / 1000,
  };
}
