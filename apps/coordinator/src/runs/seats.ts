import type { Seat } from '@ringmaster/protocol';
import type { Member } from './generation.js';
import { trainerOf, type Run } from './run.js';

/** Where members listen, by rank, once all have prepared. */
export function seatsOf(run: Run, members: readonly Member[]): Seat[] {
  return members.flatMap(({ trainer, prepared }) => {
    if (prepared === null) return [];
    const { endpoint, donor } = prepared;
    return [{ endpoint, donor, worker: trainerOf(run, trainer)?.worker ?? '' }];
  });
}
