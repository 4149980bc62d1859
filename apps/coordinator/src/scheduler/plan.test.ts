import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plan, type Demand, type Offer } from './plan.js';

const demand = (job: string, rest: Partial<Demand> = {}): Demand => ({
  job,
  priority: 0,
  order: 0,
  min: 1,
  max: 8,
  held: 0,
  threads: 1,
  device: null,
  excluded: [],
  ...rest,
});
const offer = (worker: string, rest: Partial<Offer> = {}): Offer => ({
  worker,
  slots: 1,
  free: 1,
  threads: 1,
  device: 'cpu',
  ...rest,
});

const demands = fc
  .array(
    fc.record({
      priority: fc.integer({ min: -1, max: 1 }),
      min: fc.integer({ min: 1, max: 5 }),
      extra: fc.integer({ min: 0, max: 4 }),
      held: fc.integer({ min: 0, max: 3 }),
      threads: fc.integer({ min: 1, max: 2 }),
      device: fc.constantFrom(null, 'cpu' as const, 'gpu' as const),
      excluded: fc.subarray(['w0', 'w1', 'w2']),
    }),
    { maxLength: 8 },
  )
  .map((list) =>
    list.map(({ extra, ...rest }, order) =>
      demand(`j${order}`, {
        ...rest,
        order,
        max: rest.min + extra,
        held: Math.min(rest.held, rest.min + extra),
      }),
    ),
  );
const offers = fc
  .array(
    fc.record({
      slots: fc.integer({ min: 1, max: 4 }),
      busy: fc.integer({ min: 0, max: 4 }),
      threads: fc.integer({ min: 1, max: 2 }),
      device: fc.constantFrom('cpu' as const, 'gpu' as const),
    }),
    { maxLength: 6 },
  )
  .map((list) =>
    list.map(({ busy, ...rest }, index) =>
      offer(`w${index}`, { ...rest, free: Math.max(0, rest.slots - busy) }),
    ),
  );

describe('plan', () => {
  it('never gives a slot twice, nor one that the job cannot use, nor more than its maximum', () => {
    fc.assert(
      fc.property(demands, offers, (jobs, workers) => {
        const placements = plan(jobs, workers);
        for (const { worker, free } of workers) {
          const used = placements.flatMap((placement) => placement.workers);
          expect(used.filter((name) => name === worker).length).toBeLessThanOrEqual(free);
        }
        for (const placement of placements) {
          const job = jobs.find(({ job: id }) => id === placement.job)!;
          const used = placement.workers.map((name) => workers.find((w) => w.worker === name)!);
          expect(job.held + used.length).toBeLessThanOrEqual(job.max);
          expect(new Set(used.map(({ device }) => device)).size).toBe(1);
          for (const worker of used) {
            expect(worker.threads).toBeGreaterThanOrEqual(job.threads);
            expect(job.excluded).not.toContain(worker.worker);
            if (job.device !== null) expect(worker.device).toBe(job.device);
          }
        }
      }),
    );
  });

  it('gives a job its whole minimum or nothing', () => {
    fc.assert(
      fc.property(demands, offers, (jobs, workers) => {
        for (const placement of plan(jobs, workers)) {
          const job = jobs.find(({ job: id }) => id === placement.job)!;
          expect(job.held + placement.workers.length).toBeGreaterThanOrEqual(job.min);
        }
      }),
    );
  });

  it('gives no job a slot that one before it could use and waits for', () => {
    fc.assert(
      fc.property(demands, offers, (jobs, workers) => {
        const placements = new Map(plan(jobs, workers).map((p) => [p.job, p.workers]));
        const waiting = jobs.filter((job) => job.held < job.min && !placements.has(job.job));
        for (const first of waiting) {
          for (const kind of first.device === null ? (['cpu', 'gpu'] as const) : [first.device]) {
            const usable = workers.filter(
              (worker) =>
                worker.device === kind &&
                worker.threads >= first.threads &&
                !first.excluded.includes(worker.worker),
            );
            if (usable.reduce((sum, { slots }) => sum + slots, 0) < first.min) continue;
            const behind = jobs.filter(
              (job) =>
                job.priority < first.priority ||
                (job.priority === first.priority && job.order > first.order),
            );
            for (const job of behind)
              for (const worker of placements.get(job.job) ?? [])
                expect(usable.map((candidate) => candidate.worker)).not.toContain(worker);
          }
        }
      }),
    );
  });

  it('leaves no slot idle that some job could take', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }), (jobs, slots) => {
        const placements = plan(
          Array.from({ length: jobs }, (_, order) => demand(`j${order}`, { order })),
          [offer('w', { slots, free: slots })],
        );
        expect(placements.flatMap(({ workers }) => workers)).toHaveLength(slots);
      }),
    );
  });

  it('serves every waiting job of a priority before one grows', () => {
    const placements = plan(
      [demand('old', { order: 1 }), demand('new', { order: 2, held: 0 })],
      [offer('a'), offer('b')],
    );
    expect(placements).toEqual([
      { job: 'old', workers: ['a'] },
      { job: 'new', workers: ['b'] },
    ]);
  });

  it('lets a higher priority grow before a lower one starts', () => {
    const placements = plan(
      [demand('low', { order: 1 }), demand('high', { order: 2, priority: 5 })],
      [offer('a'), offer('b')],
    );
    expect(placements).toEqual([{ job: 'high', workers: ['a', 'b'] }]);
  });

  it('is not held up by a job that asks for more slots than exist', () => {
    const jobs = [demand('huge', { order: 1, min: 9, max: 9 }), demand('small', { order: 2 })];
    expect(plan(jobs, [offer('a')])).toEqual([{ job: 'small', workers: ['a'] }]);
  });

  it('keeps slots for a job that fits once others have ended', () => {
    const jobs = [demand('wide', { order: 1, min: 2 }), demand('small', { order: 2, max: 1 })];
    expect(plan(jobs, [offer('a', { slots: 2, free: 1 })])).toEqual([]);
  });

  it('spreads a job over workers', () => {
    const workers = [offer('a', { slots: 2, free: 2 }), offer('b', { slots: 2, free: 2 })];
    expect(plan([demand('j', { max: 2 })], workers)).toEqual([{ job: 'j', workers: ['a', 'b'] }]);
  });
});
