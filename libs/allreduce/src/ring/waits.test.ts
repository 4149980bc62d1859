import { eventually } from '@ringmaster/testing';
import { describe, expect, it } from 'vitest';
import type { RankProcess } from './ranks.test.fixture.js';
import { RankProcesses } from './ranks.test.fixture.js';
import type { Standing } from './standing.js';

const DEADLINE_MS = 5_000;

/** Follows what the ranks report, rank by rank, to one who reports nothing. Null when they lead in a circle. */
function culprit(waits: readonly (number | null)[], from: number): number | null {
  let rank = from;
  for (let steps = 0; steps <= waits.length; steps++) {
    const peer = waits[rank];
    if (peer === null || peer === undefined) return rank;
    rank = peer;
  }
  return null;
}

/** Takes part in steps until the ring fails; answers whom the rank then names. */
async function blamed(rank: RankProcess): Promise<number | null> {
  const outcome = await rank.outcome();
  if (outcome.kind !== 'failed') return null;
  expect(outcome.code).toBe('RING_PEER_SILENT');
  return outcome.peer ?? null;
}

const cases = (['SIGSTOP', 'compute'] as const).flatMap((how) =>
  [false, true].map((shared) => ({ how, shared })),
);

describe.each([2, 3, 4, 7])('in a ring of %d, one goes silent', (size) => {
  // Side by side: most of the time they wait for a deadline.
  it.concurrent.each(cases)(
    'by $how (shared: $shared): every report leads to it, before the deadlines and after',
    async ({ how, shared }) => {
      const ring = await RankProcesses.start(size, 1_000_000, {
        deadlineMs: DEADLINE_MS,
        segmentBytes: 16_384,
        shared,
      });
      try {
        await expectBlame(ring, (size * 3 + how.length) % size, how);
      } finally {
        await ring.end();
      }
    },
  );
});

/** Silences one of the ranks, and looks where the reports of the others lead. */
async function expectBlame(
  { ranks }: RankProcesses,
  victim: number,
  how: 'SIGSTOP' | 'compute',
): Promise<void> {
  for (const rank of ranks) rank.send({ kind: 'steps', length: 200_000 });
  const silent = ranks[victim]!;
  for (let step = 0; step < 2; step++) await silent.next('progress');
  if (how === 'compute') silent.send({ kind: 'compute' });
  else silent.child.kill('SIGSTOP');

  const others = ranks.filter((rank) => rank !== silent);
  const allLeadToVictim = (waits: readonly (number | null)[]) => {
    const all = waits.toSpliced(victim, 0, null);
    return all.every((_, rank) => culprit(all, rank) === victim);
  };
  // Everyone comes to a halt well before the deadline; on a busy machine, one who is about to go on may seem to wait.
  const halted = ({ operation, seconds }: Standing) => operation !== 'idle' && seconds > 0.3;
  const standings = await eventually('a halt whose reports lead to the victim', async () => {
    const all = await Promise.all(others.map((rank) => rank.standing()));
    return all.every(halted) && allLeadToVictim(all.map(({ waitsFor }) => waitsFor)) ? all : null;
  });
  const peers = await Promise.all(others.map(blamed));
  expect(allLeadToVictim(peers), JSON.stringify(peers)).toBe(true);
  for (const { operation } of standings) expect(operation).toBe('all-reduce');
}
