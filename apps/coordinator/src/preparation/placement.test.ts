import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  capacity,
  placeFor,
  prepareOn,
  type Load,
  type Room,
  type TaskWorker,
} from './placement.js';

const idle: Load = { here: 0, elsewhere: new Map() };
const worker = (id: string, machine: string, threads = 1, processors = 2): TaskWorker => ({
  id,
  machine,
  threads,
  processors,
});
const room = (change: Partial<Room>): Room => ({
  prepareOn: 'both',
  machine: 'm',
  threads: 2,
  workers: [],
  ...change,
});

describe('a task', () => {
  it('is done here first, and then by workers of other machines', () => {
    const both = room({ workers: [worker('beside', 'm'), worker('far', 'n')] });
    expect(placeFor(both, idle, false)).toBe('here');
    expect(placeFor(both, { ...idle, here: 2 }, false)).toBe('far');
    expect(placeFor(both, { here: 2, elsewhere: new Map([['far', 1]]) }, false)).toBeNull();
    expect(placeFor(both, { ...idle, here: 2 }, true)).toBeNull();
  });

  it('is done by workers alone where that is asked for, unless none has room for any', () => {
    const workers = room({ prepareOn: 'workers', workers: [worker('beside', 'm')] });
    expect(placeFor(workers, idle, false)).toBe('beside');
    expect(placeFor(workers, { here: 0, elsewhere: new Map([['beside', 1]]) }, false)).toBeNull();
    expect(placeFor(workers, idle, true)).toBe('here');
    const busy = room({ prepareOn: 'workers', workers: [worker('beside', 'm', 0)] });
    expect(placeFor(busy, idle, false)).toBe('here');
    expect(capacity(busy)).toBe(2);
  });

  it('is for the worker that has most to spare', () => {
    const workers = [worker('a', 'n', 2, 4), worker('b', 'n', 3, 4), worker('c', 'o', 2, 1)];
    const far = room({ prepareOn: 'workers', workers });
    expect(placeFor(far, idle, false)).toBe('b');
    expect(placeFor(far, { here: 0, elsewhere: new Map([['b', 2]]) }, false)).toBe('a');
    expect(capacity(far)).toBe(2 + 4 + 1);
  });
});

const rooms = fc.record({
  prepareOn: fc.constantFrom(...prepareOn),
  machine: fc.constant('m'),
  threads: fc.integer({ min: 1, max: 4 }),
  workers: fc.uniqueArray(
    fc.record({
      id: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      machine: fc.constantFrom('m', 'n', 'o'),
      threads: fc.integer({ min: 0, max: 3 }),
    }),
    { selector: ({ id }) => id },
  ),
  processors: fc.record({ n: fc.integer({ min: 1, max: 4 }), o: fc.integer({ min: 1, max: 4 }) }),
});

describe('all tasks together', () => {
  it('never take more than a machine has, nor a worker, and leave nothing unused', () => {
    fc.assert(
      fc.property(rooms, fc.array(fc.boolean(), { maxLength: 30 }), (given, tasks) => {
        const processors: Record<string, number> = { m: given.threads, ...given.processors };
        const workers = given.workers.map((each) => ({
          ...each,
          processors: processors[each.machine] ?? 0,
        }));
        const its: Room = { ...given, workers };
        let here = 0;
        const elsewhere = new Map<string, number>();
        const waiting: boolean[] = [];
        for (const isBound of tasks) {
          const place = placeFor(its, { here, elsewhere }, isBound);
          if (place === null) waiting.push(isBound);
          else if (place === 'here') here++;
          else elsewhere.set(place, (elsewhere.get(place) ?? 0) + 1);
          if (isBound) expect([null, 'here']).toContain(place);
        }
        const onMachine: Record<string, number> = { m: here };
        for (const { id, machine, threads } of workers) {
          const tasksOf = elsewhere.get(id) ?? 0;
          expect(tasksOf).toBeLessThanOrEqual(threads);
          onMachine[machine] = (onMachine[machine] ?? 0) + tasksOf;
        }
        for (const [machine, count] of Object.entries(onMachine))
          expect(count).toBeLessThanOrEqual(processors[machine] ?? 0);
        if (waiting.length > 0 && its.prepareOn !== 'workers')
          expect(onMachine['m']).toBe(its.threads);
        if (its.prepareOn === 'coordinator') expect(elsewhere.size).toBe(0);
        if (its.prepareOn === 'both')
          for (const { id, machine } of workers)
            if (machine === 'm') expect(elsewhere.has(id)).toBe(false);
      }),
    );
  });
});
