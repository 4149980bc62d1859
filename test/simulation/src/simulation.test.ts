import { describe, expect, it } from 'vitest';
import { disturb } from './chaos.js';
import { Cluster } from './cluster.js';
import type { RunLimits } from './coordinator.js';
import { finalState, positionOf } from './state.js';
import { assert } from './witness.js';

/** Schedules of each kind. A search plays more: RINGMASTER_SIMULATIONS=20000; one is played again with its seed. */
const COUNT = Number(process.env['RINGMASTER_SIMULATIONS'] ?? 1000);
const SEED = process.env['RINGMASTER_SIMULATION_SEED'];
const seeds =
  SEED === undefined ? Array.from({ length: COUNT }, (_, seed) => seed) : [Number(SEED)];

/** Simulated time within which a run has to end, in milliseconds: longer than every deadline on the way. */
const LONGEST_MS = 2 * 60 * 60_000;

type Kind = 'planned' | 'rough';

interface Play {
  readonly seed: number;
  readonly kind: Kind;
  readonly limits: RunLimits;
}

/** Limits of a run of at most four trainers, so that each of them is at work in much that happens. */
const few = (min: number): RunLimits => ({ min, max: 4, microbatches: 6 });

/** So many trainers, each with a microbatch. A search asks for as many as a run may have: RINGMASTER_SIMULATED_TRAINERS=1024. */
const TRAINERS = Number(process.env['RINGMASTER_SIMULATED_TRAINERS'] ?? 256);
const many: RunLimits = { min: TRAINERS - 8, max: TRAINERS, microbatches: TRAINERS };

/** Plays one schedule. A violation is told with everything that led to it. */
async function play(how: Play): Promise<Cluster> {
  try {
    return await playOnce(how, null);
  } catch {
    const story: string[][] = [];
    try {
      return await playOnce(how, story);
    } catch (error) {
      throw new Error(`seed ${how.seed}\n${story.flat().join('\n')}\n${String(error)}`, {
        cause: error,
      });
    }
  }
}

async function playOnce({ seed, kind, limits }: Play, story: string[][] | null): Promise<Cluster> {
  const cluster = new Cluster(seed, limits, story !== null);
  const { world, coordinator, witness } = cluster;
  story?.push(world.story);
  disturb(cluster, kind, 2 + world.dice.below(10));
  await world.run(() => coordinator.isOver, LONGEST_MS);
  const { state, error, result } = coordinator.run;
  assert(state === 'succeeded', `progress: the run is ${state} (${error?.message ?? ''})`);
  const expected = positionOf(finalState(limits.microbatches));
  assert(result?.stateHash === expected.stateHash, 'one lineage: the run ended in another state');
  if (kind === 'planned') {
    assert(
      witness.unplanned.length === 1,
      `no aborts: ${witness.unplanned.join(', ')} are unplanned`,
    );
    // A launch may be lost with the connection that it was sent on; nobody else is missed.
    const missed = coordinator.incidents.filter(
      (what) => !what.includes('which had no rank yet, was lost'),
    );
    assert(missed.length === 0, `no incidents: ${missed.join('; ')}`);
  }
  return cluster;
}

describe('a run under the machines of coordinator and trainers', () => {
  it('ends in the state that its specification defines, whatever fails', async () => {
    for (const seed of seeds) await play({ seed, kind: 'rough', limits: few(1 + (seed % 2)) });
  });

  it('changes its members without an abort where no trainer fails, even as coordinators crash', async () => {
    let switches = 0;
    for (const seed of seeds) {
      const { witness } = await play({ seed, kind: 'planned', limits: few(1 + (seed % 2)) });
      switches += witness.switches;
    }
    expect(switches).toBeGreaterThan(seeds.length);
  });

  it(`holds ${TRAINERS} trainers, whatever fails`, async () => {
    // The fourth schedule is the first that breaks a ring which has made steps.
    const some = SEED === undefined ? seeds.slice(3, 3 + Math.ceil(COUNT / 1000)) : seeds;
    for (const seed of some) await play({ seed, kind: 'rough', limits: many });
  });

  it('gives every slot back when it is paused or cancelled, whatever has failed', async () => {
    for (const seed of seeds.slice(0, COUNT / 4)) {
      const type = seed % 2 === 0 ? 'paused' : 'cancelled';
      const cluster = new Cluster(seed, few(1 + (seed % 3)));
      const { world, coordinator } = cluster;
      let isAsked = false;
      disturb(cluster, 'rough', 2 + world.dice.below(10), () => {
        coordinator.feed({ type });
        isAsked = true;
      });
      await world.run(() => isAsked && coordinator.run.trainers.length === 0, LONGEST_MS);
      const { trainers, state } = coordinator.run;
      expect({ seed, trainers }).toEqual({ seed, trainers: [] });
      expect(['paused', 'cancelled', 'succeeded']).toContain(state);
    }
  });
});
