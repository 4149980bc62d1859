import { describe, expect, it } from 'vitest';
import { Workers, type Registration } from './workers.js';

const LEASE_MS = 3000;
const registration = (pid: number, trainers: string[] = []): Registration => ({
  ...{ type: 'register', version: '0', token: null, host: 'h', pid, slots: 2, threads: 1 },
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
    const { worker } = workers.register('a', registration(1), 0);
    expect(pass(workers, 0, 2000)).toEqual([]);
    expect(workers.hear('a', 2000)?.id).toBe(worker.id);
    expect(pass(workers, 2000, 5000)).toEqual([]);
    expect(pass(workers, 5250, 5250)).toEqual([worker.id]);
  });

  it('gives everyone a new lease after a pause of its own', () => {
    const workers = new Workers(LEASE_MS, 0);
    const { worker } = workers.register('a', registration(1), 0);
    expect(pass(workers, 0, 1000)).toEqual([]);
    expect(workers.expired(60_000)).toEqual([]);
    expect(pass(workers, 60_250, 62_750)).toEqual([]);
    expect(pass(workers, 63_000, 63_500)).toEqual([worker.id]);
  });

  it('gives a worker the same id whenever it registers, and another to another process', () => {
    const workers = new Workers(LEASE_MS, 0);
    const { worker } = workers.register('a', registration(1), 0);
    expect(workers.register('b', registration(1), 1).worker.id).toBe(worker.id);
    expect(new Workers(LEASE_MS, 0).register('c', registration(1), 0).worker.id).toBe(worker.id);
    expect(workers.register('d', registration(2), 1).worker.id).not.toBe(worker.id);
    expect(workers.hear('a', 2)).toBeNull();
  });

  it('tells which trainers a worker has lost when it registers again', () => {
    const workers = new Workers(LEASE_MS, 0);
    const { worker } = workers.register('a', registration(1), 0);
    worker.trainers.set('t1', { job: 'j', pid: 1 });
    worker.trainers.set('t2', { job: 'j', pid: 1 });
    expect(workers.register('a', registration(1, ['t2', 't3']), 1).gone).toEqual(['t1']);
    expect(workers.offers()).toMatchObject([{ free: 0, slots: 2 }]);
  });

  it('does not know a worker that it has given up, until that registers again', () => {
    const workers = new Workers(LEASE_MS, 0);
    const { worker } = workers.register('a', registration(1, ['t1']), 0);
    expect(workers.remove(worker, 'lost')).toEqual(['t1']);
    expect(workers.hear('a', 1)).toBeNull();
    expect(workers.offers()).toEqual([]);
    workers.register('a', registration(1), 2);
    expect(workers.views()).toMatchObject([{ id: worker.id, state: 'alive' }]);
  });
});
