import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Demand, Device, Held, Offer } from './demand.js';
import { plan, type Plan } from './plan.js';

const held = (job: string, ...workers: string[]): Held[] =>
  workers.map((worker, at) => ({ trainer: `${job}-${at}`, worker }));
const demand = (job: string, rest: Partial<Demand> = {}): Demand => ({
  job,
  priority: 0,
  order: 0,
  min: 1,
  max: 8,
  held: [],
  awaits: false,
  isYielding: false,
  canYield: true,
  threads: 1,
  memory: 0,
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
  memory: null,
  ...rest,
});
const nothing = { placements: [], releases: [], yields: [] };

type Worker = Omit<Offer, 'free'>;

/** Jobs on workers, which do at once what a plan says, but for the freeing of slots, which takes until `freed`. */
interface Scene {
  readonly workers: readonly Worker[];
  readonly jobs: readonly Demand[];
  /** Trainers that are being ended. */
  readonly ending: readonly Held[];
  /** Jobs that are saving their state to yield. */
  readonly yielding: readonly string[];
}

function offersOf({ workers, jobs, ending }: Scene): Offer[] {
  const sitting = [...ending, ...jobs.flatMap((job) => job.held)];
  return workers.map((worker) => {
    const busy = sitting.filter((trainer) => trainer.worker === worker.worker).length;
    return { ...worker, free: worker.slots - busy };
  });
}

function planOf(scene: Scene): Plan {
  const { jobs, yielding } = scene;
  const demands = jobs.map((job) => ({ ...job, isYielding: yielding.includes(job.job) }));
  return plan(demands, offersOf(scene));
}

let launched = 0;

function carryOut(scene: Scene, { placements, releases, yields, awaiting }: Plan): Scene {
  const ending = [...scene.ending];
  const jobs = scene.jobs.map((job) => {
    const leaving = (trainer: Held) =>
      yields.some((yielded) => yielded.job === job.job) ||
      releases.some((release) => release.trainers.includes(trainer.trainer));
    ending.push(...job.held.filter(leaving));
    const placed = placements.find((placement) => placement.job === job.job)?.workers ?? [];
    const trainers = placed.map((worker) => ({ trainer: `t${launched++}`, worker }));
    const left = [...job.held.filter((trainer) => !leaving(trainer)), ...trainers];
    const seat = scene.workers.find(({ worker }) => worker === left[0]?.worker);
    const device = job.device ?? seat?.device ?? null;
    return { ...job, held: left, device, awaits: awaiting.includes(job.job) };
  });
  const yielding = [...scene.yielding, ...yields.map(({ job }) => job)];
  return { ...scene, jobs, ending, yielding };
}

const freed = (scene: Scene): Scene => ({ ...scene, ending: [], yielding: [] });

const isQuiet = ({ placements, releases, yields }: Plan) =>
  placements.length + releases.length + yields.length === 0;

/** Plans and carries out until nothing is left to do; returns all plans and scenes on the way. */
function settle(start: Scene): { scenes: Scene[]; plans: Plan[]; rest: Scene } {
  const scenes = [start];
  const plans: Plan[] = [];
  let rest = start;
  for (let quiet = 0; quiet < 2 && plans.length < 50;) {
    const next = planOf(rest);
    plans.push(next);
    quiet = isQuiet(next) ? quiet + 1 : 0;
    rest = isQuiet(next) ? freed(rest) : carryOut(rest, next);
    scenes.push(rest);
  }
  return { scenes, plans, rest };
}

/**
 * Jobs that hold slots and jobs that wait, on workers that have room for what they hold. Of workers that are alike but
 * for their device, one slot is as good as another; where they differ, whoever chooses first may take what another needs.
 */
function scenes(workersAre: 'alike' | 'unlike', memoryIs: 'plenty' | 'scarce' = 'plenty') {
  const threads = fc.integer({ min: 1, max: workersAre === 'alike' ? 1 : 2 });
  const names = ['w0', 'w1', 'w2', 'w3'];
  const workers = fc
    .array(
      fc.record({
        slots: fc.integer({ min: 1, max: 4 }),
        threads,
        device: fc.constantFrom('cpu' as const, 'gpu' as const),
        pool: memoryIs === 'scarce' ? fc.constantFrom(null, 'p4', 'p9') : fc.constant(null),
      }),
      { minLength: 1, maxLength: names.length },
    )
    .map((list) =>
      list.map(({ pool, ...worker }, at): Worker => {
        const memory = pool === null ? null : { pool, bytes: Number(pool.slice(1)) };
        return { ...worker, worker: names[at] ?? '', memory };
      }),
    );
  const jobs = fc.array(
    fc.record({
      priority: fc.integer({ min: -1, max: 1 }),
      min: fc.integer({ min: 1, max: 5 }),
      extra: fc.integer({ min: 0, max: 4 }),
      wishes: fc.integer({ min: 0, max: 6 }),
      threads,
      memory: fc.integer({ min: 0, max: memoryIs === 'scarce' ? 5 : 0 }),
      device: fc.constantFrom('cpu' as const, 'gpu' as const),
      isFree: fc.boolean(),
      excluded:
        workersAre === 'unlike' ? fc.subarray(names.slice(0, 3)) : fc.constant<string[]>([]),
    }),
    { maxLength: 8 },
  );
  return fc.tuple(workers, jobs).map(([found, list]) => {
    const room = new Map(found.map(({ worker, slots }) => [worker, slots]));
    const left = new Map(found.map(({ memory }) => [memory?.pool, memory?.bytes ?? Infinity]));
    const demands = list.map(({ extra, wishes, isFree, ...rest }, order) => {
      const max = rest.min + extra;
      const seats: string[] = [];
      const take = (worker: string, count: number) => {
        const pool = found.find((candidate) => candidate.worker === worker)?.memory?.pool;
        room.set(worker, (room.get(worker) ?? 0) - count);
        left.set(pool, (left.get(pool) ?? 0) - count * rest.memory);
      };
      for (const { worker, threads, device, memory } of found) {
        if (device !== rest.device || threads < rest.threads || rest.excluded.includes(worker))
          continue;
        const fits = () =>
          (room.get(worker) ?? 0) > 0 && (left.get(memory?.pool) ?? 0) >= rest.memory;
        while (fits() && seats.length < Math.min(wishes, max)) {
          take(worker, 1);
          seats.push(worker);
        }
      }
      const whole = seats.length >= rest.min ? seats : [];
      for (const worker of seats.slice(whole.length)) take(worker, -1);
      const job = `j${order}`;
      const device = whole.length === 0 && isFree ? null : rest.device;
      return demand(job, { ...rest, order, max, device, held: held(job, ...whole) });
    });
    return { workers: found, jobs: demands, ending: [], yielding: [] } satisfies Scene;
  });
}

const canUse = (job: Demand, device: Device) => (worker: Worker) =>
  worker.device === device &&
  (worker.memory?.bytes ?? Infinity) >= job.memory &&
  worker.threads >= job.threads &&
  !job.excluded.includes(worker.worker);
const kindsOf = ({ device }: Demand) => (device === null ? (['cpu', 'gpu'] as const) : [device]);
const inOrder = (jobs: readonly Demand[]) =>
  [...jobs].sort((a, b) => b.priority - a.priority || a.order - b.order);
const isServed = ({ min, held: trainers }: Demand) => trainers.length >= min;

describe('plan', () => {
  it('never gives a slot twice, nor one that the job cannot use, nor more than its maximum', () => {
    fc.assert(
      fc.property(scenes('unlike', 'scarce'), (scene) => {
        const { placements, releases } = planOf(scene);
        for (const { worker, free } of offersOf(scene)) {
          const used = placements.flatMap(({ workers }) => workers);
          expect(used.filter((name) => name === worker).length).toBeLessThanOrEqual(free);
        }
        for (const placement of placements) {
          const job = scene.jobs.find((candidate) => candidate.job === placement.job)!;
          const left = job.held.filter(
            ({ trainer }) => !releases.some(({ trainers }) => trainers.includes(trainer)),
          );
          expect(left.length + placement.workers.length).toBeLessThanOrEqual(job.max);
          const used = placement.workers.map((name) =>
            scene.workers.find(({ worker }) => worker === name)!,
          );
          expect(new Set(used.map(({ device }) => device)).size).toBe(1);
          for (const worker of used)
            expect(kindsOf(job).some((kind) => canUse(job, kind)(worker))).toBe(true);
        }
      }),
    );
  });

  it('never gives more memory than there is', () => {
    fc.assert(
      fc.property(scenes('unlike', 'scarce'), (scene) => {
        for (const { workers, jobs } of settle(scene).scenes)
          for (const { memory } of workers) {
            const here = (worker: string) =>
              workers.find((other) => other.worker === worker)?.memory?.pool === memory?.pool;
            const taken = jobs.reduce(
              (sum, job) => sum + job.memory * job.held.filter(({ worker }) => here(worker)).length,
              0,
            );
            expect(taken).toBeLessThanOrEqual(memory?.bytes ?? Infinity);
          }
      }),
    );
  });

  it('leaves every job with its whole minimum or with nothing, now and later', () => {
    fc.assert(
      fc.property(scenes('unlike', 'scarce'), (scene) => {
        for (const now of settle(scene).scenes) {
          for (const job of now.jobs) expect(job.held.length === 0 || isServed(job)).toBe(true);
          for (const { free } of offersOf(now)) expect(free).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });

  it('takes slots from lower priorities alone, and only for a job that lacks its minimum', () => {
    fc.assert(
      fc.property(scenes('unlike'), (scene) => {
        const { releases, yields } = planOf(scene);
        const hasYielded = (id: string) => yields.some(({ job }) => job === id);
        const find = (id: string) => scene.jobs.find(({ job }) => job === id)!;
        for (const { job, by } of [...releases, ...yields]) {
          expect(find(job).priority).toBeLessThan(find(by).priority);
          expect(isServed(find(by)) && !hasYielded(by)).toBe(false);
        }
      }),
    );
  });

  it('asks for nothing more once it is carried out, until slots have become free', () => {
    fc.assert(
      fc.property(scenes('alike'), (scene) => {
        expect(planOf(carryOut(scene, planOf(scene)))).toMatchObject(nothing);
      }),
      { numRuns: 500 },
    );
  });

  it('comes to rest', () => {
    fc.assert(
      fc.property(scenes('unlike', 'scarce'), (scene) => {
        expect(settle(scene).plans.length).toBeLessThan(30);
      }),
    );
  });

  it('asks nobody for slots in vain', () => {
    fc.assert(
      fc.property(scenes('alike'), (scene) => {
        const { rest, plans } = settle(scene);
        for (const { by } of plans.flatMap(({ releases, yields }) => [...releases, ...yields]))
          expect(isServed(rest.jobs.find(({ job }) => job === by)!)).toBe(true);
      }),
    );
  });

  it('starves nobody who would fit in the place of jobs of lower priority', () => {
    fc.assert(
      fc.property(scenes('unlike'), (scene) => {
        const { jobs } = settle(scene).rest;
        for (const job of inOrder(jobs)) {
          if (isServed(job)) continue;
          const fits = (count: (worker: Worker) => number) =>
            kindsOf(job).some(
              (kind) =>
                scene.workers
                  .filter(canUse(job, kind))
                  .reduce((sum, worker) => sum + count(worker), 0) >= job.min,
            );
          expect(
            fits(({ worker, slots }) => {
              const others = jobs.filter(({ priority }) => priority >= job.priority);
              return (
                slots - others.flatMap((o) => o.held).filter((t) => t.worker === worker).length
              );
            }),
          ).toBe(false);
          // It keeps workers to itself from here on, if it fits on them at all.
          if (fits(({ slots }) => slots)) break;
        }
      }),
    );
  });

  it('serves a job that waits whenever it would serve it at a lower priority', () => {
    fc.assert(
      fc.property(scenes('alike'), fc.nat(), (scene, which) => {
        const waiting = scene.jobs.filter((candidate) => candidate.held.length === 0);
        const job = waiting[which % Math.max(1, waiting.length)];
        if (job === undefined) return;
        const servedAt = (priority: number) => {
          const jobs = scene.jobs.map((other) => (other === job ? { ...job, priority } : other));
          const next = planOf({ ...scene, jobs });
          const after = carryOut({ ...scene, jobs }, next).jobs.find((o) => o.job === job.job)!;
          return isServed(after) || next.awaiting.includes(job.job);
        };
        const served = [-2, -1, 0, 1, 2].map(servedAt);
        expect(served).toEqual([...served].sort((a, b) => Number(a) - Number(b)));
      }),
    );
  });

  it('leaves no slot idle that some job could take', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }), (jobs, slots) => {
        const { placements } = plan(
          Array.from({ length: jobs }, (_, order) => demand(`j${order}`, { order })),
          [offer('w', { slots, free: slots })],
        );
        expect(placements.flatMap(({ workers }) => workers)).toHaveLength(slots);
      }),
    );
  });
});

describe('placements', () => {
  it('serves every waiting job of a priority before one grows', () => {
    const { placements } = plan(
      [demand('old', { order: 1 }), demand('new', { order: 2 })],
      [offer('a'), offer('b')],
    );
    expect(placements).toEqual([
      { job: 'old', workers: ['a'] },
      { job: 'new', workers: ['b'] },
    ]);
  });

  it('lets a higher priority grow before a lower one starts', () => {
    const { placements } = plan(
      [demand('low', { order: 1 }), demand('high', { order: 2, priority: 5 })],
      [offer('a'), offer('b')],
    );
    expect(placements).toEqual([{ job: 'high', workers: ['a', 'b'] }]);
  });

  it('is not held up by a job that asks for more slots than exist', () => {
    const jobs = [demand('huge', { order: 1, min: 9, max: 9 }), demand('small', { order: 2 })];
    expect(plan(jobs, [offer('a')]).placements).toEqual([{ job: 'small', workers: ['a'] }]);
  });

  it('keeps slots for a job that fits once others of its priority have ended', () => {
    const jobs = [
      demand('at-work', { held: held('at-work', 'a'), max: 1 }),
      demand('wide', { order: 1, min: 2 }),
      demand('small', { order: 2, max: 1 }),
    ];
    expect(plan(jobs, [offer('a', { slots: 2, free: 1 })])).toMatchObject(nothing);
  });

  it('spreads a job over workers', () => {
    const workers = [offer('a', { slots: 2, free: 2 }), offer('b', { slots: 2, free: 2 })];
    expect(plan([demand('j', { max: 2 })], workers).placements).toEqual([
      { job: 'j', workers: ['a', 'b'] },
    ]);
  });
});

describe('memory', () => {
  const small = { pool: 'small', bytes: 4 };
  const large = { pool: 'large', bytes: 10 };

  it('is looked for where it is', () => {
    const workers = [offer('a', { memory: small }), offer('b', { memory: large })];
    expect(plan([demand('j', { memory: 5 })], workers).placements).toEqual([
      { job: 'j', workers: ['b'] },
    ]);
  });

  it('bounds how many trainers a pool has, whatever its slots', () => {
    const workers = [
      offer('a', { slots: 4, free: 4, memory: large }),
      offer('b', { slots: 4, free: 4, memory: large }),
    ];
    const { placements } = plan([demand('j', { memory: 3 })], workers);
    expect(placements[0]?.workers).toHaveLength(3);
  });

  it('holds nobody up for a job that no worker could have', () => {
    const jobs = [demand('huge', { order: 1, memory: 11 }), demand('fits', { order: 2 })];
    const next = plan(jobs, [offer('a', { memory: large })]);
    expect(next.placements).toEqual([{ job: 'fits', workers: ['a'] }]);
  });

  it('is taken from lower priorities until it is enough', () => {
    const low = (job: string) => demand(job, { priority: -1, memory: 3, held: held(job, 'a') });
    const jobs = [demand('high', { memory: 6, max: 1 }), low('x'), low('y'), low('z')];
    const next = plan(jobs, [offer('a', { slots: 4, free: 1, memory: large })]);
    expect(next).toMatchObject({ placements: [], awaiting: ['high'] });
    expect(next.yields).toHaveLength(2);
  });
});

describe('preemption', () => {
  const busy = (worker: string, slots: number) => offer(worker, { slots, free: 0 });

  it('shrinks the job of the lowest priority first, the newest of these, by its newest trainers', () => {
    const jobs = [
      demand('middle', { priority: 1, order: 1, held: held('middle', 'a', 'a') }),
      demand('older', { order: 2, held: held('older', 'a', 'a', 'a') }),
      demand('newer', { order: 3, held: held('newer', 'a', 'a') }),
      demand('high', { priority: 2, order: 4, min: 2 }),
    ];
    expect(plan(jobs, [busy('a', 7)])).toMatchObject({
      ...nothing,
      releases: [
        { job: 'newer', trainers: ['newer-1'], by: 'high' },
        { job: 'older', trainers: ['older-2'], by: 'high' },
      ],
    });
  });

  it('has whole jobs yield when shrinking is not enough, and no more of them than it takes', () => {
    const jobs = [
      demand('large', { order: 1, min: 3, held: held('large', 'a', 'a', 'a') }),
      demand('small', { order: 2, held: held('small', 'a') }),
      demand('high', { priority: 1, order: 3, min: 3 }),
    ];
    expect(plan(jobs, [busy('a', 4)])).toMatchObject({
      ...nothing,
      yields: [{ job: 'large', by: 'high' }],
    });
  });

  it('takes nothing when all of it would not be enough', () => {
    const jobs = [
      demand('low', { order: 1, held: held('low', 'a', 'a') }),
      demand('equal', { priority: 1, order: 2, held: held('equal', 'a') }),
      demand('high', { priority: 1, order: 3, min: 3 }),
    ];
    expect(plan(jobs, [busy('a', 3)])).toMatchObject(nothing);
  });

  it('takes only slots that are of use', () => {
    const jobs = [
      demand('low', { order: 1, held: held('low', 'a', 'b', 'c') }),
      demand('high', { priority: 1, order: 2, threads: 4 }),
    ];
    const workers = [busy('a', 1), offer('b', { free: 0, threads: 4 }), busy('c', 1)];
    expect(plan(jobs, workers).releases).toEqual([{ job: 'low', trainers: ['low-1'], by: 'high' }]);
  });

  it('waits for slots that are being freed rather than taking more', () => {
    const jobs = [
      demand('low', { order: 1, held: held('low', 'a', 'a') }),
      demand('high', { priority: 1, order: 2 }),
    ];
    expect(plan(jobs, [busy('a', 3)])).toMatchObject(nothing);
  });
});
