import { describe, expect, it } from 'vitest';
import { Dispatcher } from './dispatcher.js';
import type { PrepareOn, TaskWorker } from './placement.js';

const input = { sha256: 'ab'.repeat(32), path: '/data/file', start: 0, end: 2 ** 20 };
const lent = { packed: new Uint8Array(), inputs: [input] };

/** A dispatcher with its clock in hand and one thread here, and all that it says. */
function scene(prepareOn: PrepareOn = 'both') {
  const said: string[] = [];
  const leases: string[] = [];
  const state = { now: 0, workers: [] as TaskWorker[] };
  const dispatcher = new Dispatcher({
    prepareOn,
    machine: 'm',
    threads: 1,
    workers: () => state.workers,
    lend: (worker, lease) => {
      leases.push(lease);
      said.push(`${worker} has ${leases.length}`);
    },
    withdraw: (worker, lease) => said.push(`${worker} loses ${leases.indexOf(lease) + 1}`),
    clock: () => state.now,
  });
  const join = (job: string, priority = 0) => {
    dispatcher.join(job, priority, {
      granted: (number) => said.push(`${job} does ${number}`),
      answered: (number, worker, path) => said.push(`${job} has ${number} of ${worker}: ${path}`),
      ahead: (ahead) => said.push(`${job} ahead ${ahead}`),
    });
  };
  const far = (...ids: string[]) => {
    state.workers = ids.map((id) => ({ id, machine: id, processors: 4, threads: 1 }));
    dispatcher.review();
  };
  const take = () => said.splice(0);
  const want = (job: string, ...numbers: number[]) => {
    for (const number of numbers) dispatcher.want(job, { number, lent });
  };
  const lease = (number: number) => leases[number - 1] ?? '';
  return { dispatcher, state, join, far, take, want, lease };
}

describe('tasks of preparations', () => {
  it('are done here and by workers, whose answers are passed on', () => {
    const { dispatcher, join, far, take, want, lease } = scene();
    far('w');
    join('j');
    want('j', 1, 2, 3);
    expect(take()).toEqual(['j ahead 4', 'j does 1', 'w has 1']);
    expect(dispatcher.lease(lease(1))).toMatchObject({ worker: 'w', job: 'j' });
    expect([...dispatcher.doing('j')]).toEqual([
      ['coordinator', 1],
      ['w', 1],
    ]);
    expect([...dispatcher.lease(lease(1)).inputs.values()]).toEqual([input]);
    dispatcher.answered(lease(1), '/sent');
    expect(take()).toEqual(['j has 2 of w: /sent', 'w has 2']);
    expect(() => dispatcher.lease(lease(1))).toThrow(/has ended/);
    expect(() => {
      dispatcher.answered(lease(1), '/sent');
    }).toThrow(/has ended/);
    dispatcher.giveBack('j');
    expect(take()).toEqual([]);
    expect([...dispatcher.doing('j')]).toEqual([
      ['coordinator', 0],
      ['w', 1],
    ]);
  });

  it('wait for who is able, and have more asked for once there are more', () => {
    const { join, far, take, want } = scene();
    join('j');
    want('j', 1, 2);
    expect(take()).toEqual(['j ahead 2', 'j does 1']);
    far('v', 'w');
    expect(take()).toEqual(['j ahead 6', 'v has 1']);
  });

  it('wait again, before others, when their worker is gone, and stay here when that happens twice', () => {
    const { dispatcher, join, far, take, want, lease } = scene('workers');
    far('w');
    join('j');
    want('j', 1, 2);
    expect(take()).toEqual(['j ahead 4', 'w has 1']);
    dispatcher.gone('w');
    expect(take()).toEqual(['w has 2']);
    expect(dispatcher.lease(lease(2)).worker).toBe('w');
    far('v');
    expect(take()).toEqual(['w loses 2', 'j does 1', 'v has 3']);
    far();
    // Nobody is left who could do it elsewhere, and the thread here is busy.
    expect(take()).toEqual(['v loses 3', 'j ahead 2']);
    dispatcher.giveBack('j');
    expect(take()).toEqual(['j does 2']);
  });

  it('are done here after a worker has failed at them, which is lent nothing for ten seconds', () => {
    const { dispatcher, state, join, far, take, want, lease } = scene('workers');
    far('w');
    join('j');
    want('j', 1, 2);
    take();
    dispatcher.failed('v', lease(1));
    expect(take()).toEqual([]);
    dispatcher.failed('w', lease(1));
    expect(take()).toEqual(['j does 1']);
    state.now = 9_999;
    dispatcher.review();
    dispatcher.giveBack('j');
    expect(take()).toEqual(['j ahead 2', 'j does 2']);
    state.now = 10_000;
    dispatcher.review();
    want('j', 3);
    expect(take()).toEqual(['j ahead 4', 'w has 2']);
  });

  it('take no longer elsewhere than sixteen times what they take here', () => {
    const { state, dispatcher, join, far, take, want } = scene('workers');
    far('w');
    join('j');
    want('j', 1);
    take();
    state.now = 33_999;
    dispatcher.review();
    expect(take()).toEqual([]);
    state.now = 34_000;
    dispatcher.review();
    expect(take()).toEqual(['w loses 1', 'j ahead 2', 'j does 1']);
  });

  it('are withdrawn when nobody wants them any more, and others take their turn', () => {
    const { dispatcher, join, far, take, want, lease } = scene('workers');
    far('w');
    join('a');
    join('b', 1);
    want('a', 1);
    want('b', 1);
    take();
    dispatcher.leave('a');
    expect(take()).toEqual(['w loses 1', 'w has 2']);
    expect(() => dispatcher.lease(lease(1))).toThrow(/has ended/);
    dispatcher.leave('b');
    expect(take()).toEqual(['w loses 2']);
  });
});
