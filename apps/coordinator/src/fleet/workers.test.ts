import { describe, expect, it } from 'vitest';
import { Workers, type Registration } from './workers.js';

const LEASE_MS = 3000;
const registration = (pid: number, trainers: string[] = []): Registration => ({
  type: 'register',
  version: '0',
  token: null,
  machine: 'm',
  host: 'h',
  slots: 2,
  threads: 1,
  processor: 'x64',
  memory: null,
  tasks: null,
  namespace: 'n',
  pid,
  startTime: 1,
  device: 'cpu',
  trainers: trainers.map((trainer) => ({ trainer, job: 'j', pid: 1 })),
  checkpoints: [],
});

/** Lets time pass in the steps that a coordinator looks at leases. */
function pass(workers: Workers, from: number, to: number): string[] {
  const lost: string[] = [];
  for (let now = from; now <= to; now += 250)
    lost.push(...workers.expired(now).map(({ id }) => id));
  return [...new Set(lost)];
}

describe('Workers', () => {
  it('holds a worker for a lease after its last word', () => {
    const workers = new Workers(LEASE_MS, 0);
    const worker = workers.register('a', registration(1), 0);
    expect(pass(workers, 0, 2000)).toEqual([]);
    expect(workers.hear('a', 2000)?.id).toBe(worker.id);
    expect(pass(workers, 2000, 5000)).toEqual([]);
    expect(pass(workers, 5250, 5250)).toEqual([worker.id]);
  });

  it('gives everyone a new lease after a pause of its own', () => {
    const workers = new Workers(LEASE_MS, 0);
    const worker = workers.register('a', registration(1), 0);
    expect(pass(workers, 0, 1000)).toEqual([]);
    expect(workers.expired(60_000)).toEqual([]);
    expect(pass(workers, 60_250, 62_750)).toEqual([]);
    expect(pass(workers, 63_000, 63_500)).toEqual([worker.id]);
  });

  it('gives a worker the same id whenever it registers, and another to another process', () => {
    const workers = new Workers(LEASE_MS, 0);
    const worker = workers.register('a', registration(1), 0);
    expect(workers.register('b', registration(1), 1).id).toBe(worker.id);
    expect(new Workers(LEASE_MS, 0).register('c', registration(1), 0).id).toBe(worker.id);
    expect(workers.register('d', registration(2), 1).id).not.toBe(worker.id);
    expect(workers.hear('a', 2)).toBeNull();
  });

  it('takes nobody for another of the same host and process id', () => {
    const workers = new Workers(LEASE_MS, 0);
    const first = workers.register('a', registration(1, ['t1']), 0);
    first.leaving = true;
    const later = workers.register('b', { ...registration(1), startTime: 2 }, 1);
    const elsewhere = workers.register('c', { ...registration(1), namespace: 'm' }, 1);
    expect(new Set([first, later, elsewhere].map(({ id }) => id)).size).toBe(3);
    expect(workers.hear('a', 2)).toBe(first);
    workers.remove(first, 'left');
    expect([later, elsewhere].map(({ leaving }) => leaving)).toEqual([false, false]);
    expect(workers.offers().map(({ free }) => free)).toEqual([2, 2]);
    expect(
      workers
        .views()
        .map(({ state }) => state)
        .sort(),
    ).toEqual(['alive', 'alive', 'left']);
  });

  it('knows of the trainers that a worker has what it knew before', () => {
    const workers = new Workers(LEASE_MS, 0);
    const before = workers.register('a', registration(1), 0);
    before.trainers.set('t1', { job: 'j', pid: 1, unproven: true });
    before.trainers.set('t2', { job: 'j', pid: 1, unproven: true });
    const { trainers } = workers.register('b', registration(1, ['t2', 't3']), 1);
    expect([...trainers].map(([id, { unproven }]) => [id, unproven])).toEqual([
      ['t2', true],
      ['t3', false],
    ]);
    expect(workers.offers()).toMatchObject([{ free: 0, slots: 2 }]);
  });

  it('waits a little for a worker whose connection broke, and only for its registration', () => {
    const workers = new Workers(LEASE_MS, 0);
    const worker = workers.register('a', registration(1), 0);
    const other = workers.register('b', registration(2), 0);
    for (const peer of ['a', 'b']) workers.cutOff(peer, 500);
    expect(workers.hear('a', 600)).toBeNull();
    expect(workers.offers()).toEqual([]);
    expect(pass(workers, 750, 1000)).toEqual([]);
    workers.register('c', registration(2), 1100);
    expect(pass(workers, 1250, 2000)).toEqual([worker.id]);
    expect(workers.hear('c', 2000)?.id).toBe(other.id);
  });

  it('does not know a worker that it has given up, until that registers again', () => {
    const workers = new Workers(LEASE_MS, 0);
    const worker = workers.register('a', registration(1, ['t1']), 0);
    expect(workers.remove(worker, 'lost')).toEqual(['t1']);
    expect(workers.hear('a', 1)).toBeNull();
    expect(workers.offers()).toEqual([]);
    workers.register('a', registration(1), 2);
    expect(workers.views()).toMatchObject([{ id: worker.id, state: 'alive' }]);
  });

  it('lists workers in pages, each once', () => {
    const workers = new Workers(LEASE_MS, 0);
    for (let pid = 1; pid <= 25; pid++) workers.register(`p${pid}`, registration(pid), 0);
    const all = workers.views();
    expect(all).toHaveLength(25);
    expect(workers.counts()).toEqual({ alive: 25, leaving: 0, quarantined: 0, lost: 0, left: 0 });
    for (const size of [1, 7, 25]) {
      const found: typeof all = [];
      while (found.length < 25) found.push(...workers.views(size, found.at(-1)?.id ?? null));
      expect(found).toEqual(all);
      expect(workers.views(size, found.at(-1)?.id ?? null)).toEqual([]);
    }
  });
});
