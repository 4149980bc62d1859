import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault, FaultAction, FaultPoint } from '@ringmaster/worker/faults';
import { until } from '../patience.js';
import { signal, type Stage, type Victim } from '../stage.js';
import type { EventKind } from './event.js';

/** Longest that a run may take to come by a place. */
const PASSAGE_MS = 180_000;
const STOP_MS = 400;

/** Who comes by a place, and what makes them. */
const passers: Record<FaultPoint, 'member' | 'survivor' | 'newcomer' | 'anyone'> = {
  bound: 'survivor',
  prepared: 'survivor',
  link: 'survivor',
  linked: 'survivor',
  transfer: 'newcomer',
  compute: 'member',
  accumulated: 'member',
  'all-reduce': 'member',
  'all-reducing': 'member',
  reduced: 'member',
  applying: 'member',
  applied: 'member',
  evaluate: 'member',
  evaluated: 'member',
  'checkpoint-copied': 'anyone',
  'checkpoint-blobs': 'anyone',
  'checkpoint-manifest': 'anyone',
  model: 'anyone',
  finished: 'member',
};

const points = Object.keys(passers) as FaultPoint[];

/**
 * A trainer fails at one place of its step loop. A place that is passed only when a ring is formed needs another
 * trainer to be killed, and one that only a newcomer passes the victim itself.
 */
export const fault: EventKind<'fault'> = {
  draw: (dice) => ({
    kind: 'fault',
    victim: dice.share(),
    point: dice.pick(points),
    action: dice.pick<FaultAction>([
      { type: 'kill' },
      { type: 'kill' },
      { type: 'exit' },
      { type: 'throw' },
      { type: 'stop' },
      { type: 'delay', milliseconds: dice.integer(50, 500) },
    ]),
    passes: dice.integer(0, 2),
  }),
  disturbs: ({ point, action }) =>
    ['survivor', 'newcomer'].includes(passers[point]) || !['stop', 'delay'].includes(action.type),
  apply: async ({ victim: pick, point, action, passes }, stage) => {
    const victim = await stage.victim(pick);
    const passer = passers[point];
    const candidates = passer === 'anyone' ? await stage.victims() : [victim];
    const files = candidates.map(({ worker }) =>
      join(stage.cluster.faultsOf(worker.name), `${point}.json`),
    );
    // What happens once in a generation is not passed before.
    await Promise.all(
      files.map((file) =>
        arm(file, { action, fromStep: 0, passes: passer === 'member' ? passes : 0 }),
      ),
    );
    const killed = await provoke(passer, victim, stage);
    const taken = await until(
      `${victim.worker.name} comes by '${point}'`,
      async () =>
        files.find((file) => existsSync(`${file}.taken`)) ?? ((await stage.isOver()) ? '' : null),
      PASSAGE_MS,
    );
    await Promise.all(
      files.flatMap((file) => [rm(file, { force: true }), rm(`${file}.taken`, { force: true })]),
    );
    const struck = candidates[files.indexOf(taken)];
    if (action.type === 'stop' && struck !== undefined) {
      await sleep(STOP_MS);
      const now = (await stage.victims()).find(({ worker }) => worker === struck.worker);
      for (const trainer of new Set([struck.trainer, now?.trainer]))
        if (trainer !== undefined) signal(trainer, 'SIGCONT');
    }
    const what = `${action.type} at '${point}' of ${struck?.worker.name ?? 'nobody, the run was over'}`;
    return {
      what:
        killed === null ? what : `${what}, when the trainer of ${killed.worker.name} was killed`,
      culprits: [
        ...(struck === undefined ? [] : [struck.id]),
        ...(killed === null ? [] : [killed.id]),
      ],
    };
  },
};

async function arm(file: string, armed: Fault): Promise<void> {
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(`${file}.incoming`, JSON.stringify(armed));
  await rename(`${file}.incoming`, file);
}

/** Makes the victim come by. @returns who was killed for it */
async function provoke(
  passer: (typeof passers)[FaultPoint],
  victim: Victim,
  stage: Stage,
): Promise<Victim | null> {
  if (passer === 'member' || passer === 'anyone') return null;
  const others = (await stage.victims()).filter(({ id }) => id !== victim.id);
  const killed = passer === 'newcomer' ? victim : (others[0] ?? victim);
  signal(killed.trainer, 'SIGKILL');
  return killed;
}
