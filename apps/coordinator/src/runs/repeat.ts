import type { TrainerCommand } from '@ringmaster/protocol';
import { rankIn, type Generation } from './generation.js';
import { retirement } from './planned.js';
import type { Run } from './run.js';

/** What a trainer was told and has not answered: it may not have heard it. */
export function outstanding(run: Run, trainer: string): TrainerCommand[] {
  const { ring, planned, saving } = run;
  const generations = [...(ring === null ? [] : [ring]), ...planned];
  return [
    ...generations.flatMap((generation) => unanswered(generation, trainer)),
    ...(saving?.trainer === trainer ? [{ type: 'save' } as const] : []),
  ];
}

function unanswered(known: Generation, trainer: string): TrainerCommand[] {
  const { generation, members, start, from, withdrawn } = known;
  const rank = rankIn(known, trainer);
  const member = members[rank];
  const leaves = known.retiring.includes(trainer);
  if (withdrawn) return leaves || rank >= 0 ? [{ type: 'withdraw', generation }] : [];
  if (leaves) return known.told === null ? [] : [retirement(known)];
  if (member === undefined) return [];
  if (member.prepared === null) {
    return [{ type: 'prepare', generation, rank, size: members.length, planned: from !== null }];
  }
  return start === null || member.started !== null ? [] : [start];
}
