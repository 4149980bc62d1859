import { eventually } from '@ringmaster/testing';
import { afterEach, describe, expect, it } from 'vitest';
import type { StepResult } from './rank.test.process.js';
import { RankProcesses } from './ranks.test.fixture.js';

let processes: RankProcesses | undefined;
afterEach(async () => {
  await processes?.end();
  processes = undefined;
});

describe.each([
  { size: 1, shared: false },
  { size: 1, shared: true },
  { size: 2, shared: false },
  { size: 2, shared: true },
  { size: 3, shared: false },
  { size: 3, shared: true },
  { size: 4, shared: false },
  { size: 4, shared: true },
  { size: 7, shared: false },
  { size: 7, shared: true },
] as const)('all-reduce among $size processes, shared: $shared', (chosen) => {
  const { size, ...how } = chosen;
  it('is the integer sum, the same bytes everywhere, step after step', async () => {
    const ring = await RankProcesses.start(size, 5_000_000, { ...how, deadlineMs: 20_000 });
    processes = ring;
    const lengths = [...new Set([0, 1, size - 1, size, size + 1, 10, 100, 1000, 10_000])];
    // Each length by itself and then all in one operation, so that both arenas are used over and over.
    const steps = [
      ...lengths.map((length) => [length]),
      lengths,
      [1_000_000],
      [...lengths].reverse(),
    ];
    for (const [step, buckets] of steps.entries()) {
      const results = (await ring.askAll({ kind: 'step', step, lengths: buckets })) as StepResult[];
      expect(results.map(({ wrong }) => wrong)).toEqual(results.map(() => 0));
      expect(new Set(results.map(({ hash }) => hash)).size).toBe(1);
    }
    await ring.askAll({ kind: 'close' });
    // Nothing is left that would keep a process alive.
    for (const { child } of ring.ranks) child.disconnect();
    const codes = await Promise.all(ring.ranks.map(({ exited }) => exited));
    expect(codes).toEqual(ring.ranks.map(() => 0));
  });
});

describe('a rank that is gone', () => {
  it.each([
    { signal: 'SIGKILL', codes: ['RING_PEER_LOST'], shared: false },
    { signal: 'SIGSTOP', codes: ['RING_PEER_SILENT'], shared: false },
    { signal: 'SIGKILL', codes: ['RING_PEER_LOST'], shared: true },
    { signal: 'SIGSTOP', codes: ['RING_PEER_SILENT'], shared: true },
  ] as const)(
    'by $signal amid an all-reduce (shared: $shared) is who the reports of both neighbours lead to, who form a new ring',
    async ({ signal, codes, shared }) => {
      const ring = await RankProcesses.start(3, 8_000_100, {
        deadlineMs: 2_000,
        segmentBytes: 65_536,
        shared,
      });
      processes = ring;
      for (const rank of ring.ranks) rank.send({ kind: 'steps', length: 2_000_000 });
      const [before, victim, after] = ring.ranks;
      await before!.next('progress');
      victim!.child.kill(signal);
      const outcomes = await Promise.all([before!.outcome(), after!.outcome()]);
      for (const outcome of outcomes)
        expect(codes).toContain(outcome.kind === 'failed' ? outcome.code : '');
      // A rank that has room yet in the sockets of a stopped one waits for the rank that this one keeps waiting. With
      // shared memory it sends messages alone and always has; without, it depends on what the system buffers.
      const waitsFor = { SIGKILL: [1], SIGSTOP: shared ? [2] : [1, 2] }[signal];
      expect(outcomes).toMatchObject([{ kind: 'failed' }, { kind: 'failed', peer: 1 }]);
      expect(waitsFor).toContain(outcomes[0].kind === 'failed' ? outcomes[0].peer : null);
      const survivors = [before!, after!];
      await Promise.all(survivors.map((rank) => rank.ask({ kind: 'close' })));

      await ring.form(survivors, 1);
      const step = { kind: 'step', step: 0, lengths: [1000] } as const;
      const results = await Promise.all(survivors.map((rank) => rank.ask(step)));
      expect(results).toMatchObject([{ wrong: 0 }, { wrong: 0 }]);
    },
  );

  it.each(['bind', 'fetch', 'all-reduce'] as const)(
    'by its own exit amid %s leaves with its own exit code',
    async (amid) => {
      const ring = await RankProcesses.start(2, 100_000, { deadlineMs: 10_000 });
      processes = ring;
      ring.ranks[0]!.send({ kind: 'exit', code: 7, amid });
      expect(await ring.ranks[0]!.exited).toBe(7);
    },
  );
});

describe('a donor among processes', () => {
  it.each(['SIGKILL', 'SIGSTOP', 'compute'] as const)(
    'gives, computing or not, and is made up for when it goes by %s',
    async (how) => {
      const ring = await RankProcesses.start(4, 60_000_000, {
        deadlineMs: 20_000,
      });
      processes = ring;
      const [going, staying, , taker] = ring.ranks;
      const seats = await ring.bind(ring.ranks, 1);
      const offered = await Promise.all(
        [going!, staying!].map((rank) => rank.ask({ kind: 'offer' })),
      );
      const donors = seats.slice(0, 2).map(({ donor }, rank) => ({ rank, endpoint: donor }));
      // Their main threads do nothing else from now on.
      staying!.send({ kind: 'compute' });
      if (how === 'compute') going!.send({ kind: 'compute' });
      taker!.send({ kind: 'fetch', donors, deadlineMs: 60_000 });
      await eventually('its first bytes', async () => {
        const standing = await taker!.standing();
        return standing.operation === 'fetch' && standing.bytesReceived > 0;
      });
      if (how !== 'compute') going!.child.kill(how);
      expect(await taker!.outcome()).toEqual({ kind: 'done', value: offered[0] });
    },
  );
});
