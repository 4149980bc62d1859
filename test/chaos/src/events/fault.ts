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

/**
 * Who comes by a place, and what makes them:
 * - `member`: whoever computes, at every step; `anyone`: one of them, now and then;
 * - `survivor`: who has lost another trainer; `newcomer`: who follows a trainer that was killed;
 * - `donor`: whoever gives such a newcomer the state.
 */
type Passer = 'member' | 'anyone' | 'survivor' | 'newcomer' | 'donor';

const passers: Record<FaultPoint, Passer> = {
  bound: 'survivor',
  prepared: 'survivor',
  link: 'survivor',
  linked: 'survivor',
  transfer: 'newcomer',
  offered: 'donor',
  compute: 'member',
  bucket: 'member',
  accumulated: 'member',
  'all-reduce': 'member',
  'all-reducing': 'member',
  reduced: 'member',
  applying: 'member',
  applied: 'member',
  evaluate: 'member',
  evaluated: 'member',
  'checkpoint-begun': 'anyone',
  'checkpoint-blobs': 'anyone',
  'checkpoint-manifest': 'anyone',
  model: 'anyone',
  finished: 'member',
};

/** Places that every step passes; the others may be passed only once. */
const recurring: readonly FaultPoint[] = ['compute', 'accumulated', 'all-reduce', 'applied'];

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
    !['member', 'anyone'].includes(passers[point]) || !['stop', 'delay'].includes(action.type),
  apply: async ({ victim: pick, point, action, passes }, stage) => {
    const victim = await stage.victim(pick);
    const others = (await stage.victims()).filter(({ id }) => id !== victim.id);
    const { candidates, killed } = cast(passers[point], victim, others);
    const files = candidates.map(({ worker }) =>
      join(stage.cluster.faultsOf(worker.name), `${point}.json`),
    );
    const armed = { action, fromStep: 0, passes: recurring.includes(point) ? passes : 0 };
    await Promise.all(files.map((file) => arm(file, armed)));
    if (killed !== null) signal(killed.trainer, 'SIGKILL');
    const struck = await taken(files, point, stage).then((at) =>
      candidates.filter((_, index) => at.includes(index)),
    );
    if (action.type === 'stop') await resume(struck, stage);
    const names = struck.map(({ worker }) => worker.name).join(' and ');
    const what = `${action.type} at '${point}' of ${names === '' ? 'nobody, the run was over' : names}`;
    return {
      what:
        killed === null ? what : `${what}, when the trainer of ${killed.worker.name} was killed`,
      culprits: [...struck, ...(killed === null ? [] : [killed])].map(({ id }) => id),
    };
  },
};

/** Who may come by, and who is killed for it. */
function cast(
  passer: Passer,
  victim: Victim,
  others: readonly Victim[],
): { readonly candidates: readonly Victim[]; readonly killed: Victim | null } {
  switch (passer) {
    case 'member':
      return { candidates: [victim], killed: null };
    case 'anyone':
      return { candidates: [victim, ...others], killed: null };
    case 'survivor':
      return { candidates: [victim], killed: others[0] ?? victim };
    case 'newcomer':
      return { candidates: [victim], killed: victim };
    case 'donor':
      return { candidates: others, killed: victim };
  }
}

/**
 * Waits until somebody has come by, and disarms the others.
 * @returns whose files were taken: two who come by at once may both be struck; none when the run is over
 */
async function taken(files: readonly string[], point: FaultPoint, stage: Stage): Promise<number[]> {
  const found = () => [...files.keys()].filter((at) => existsSync(`${files[at] ?? ''}.taken`));
  const remove = (suffix: string) =>
    Promise.all(files.map((file) => rm(`${file}${suffix}`, { force: true })));
  if (files.length === 0) return [];
  await until(
    `somebody comes by '${point}'`,
    async () => (found().length > 0 || (await stage.isOver()) ? true : null),
    PASSAGE_MS,
  ).finally(() => remove(''));
  const struck = found();
  await remove('.taken');
  return struck;
}

/** Lets trainers go on that have stopped themselves; they may be those that followed. */
async function resume(struck: readonly Victim[], stage: Stage): Promise<void> {
  await sleep(STOP_MS);
  const now = (await stage.computing()).filter(({ worker }) =>
    struck.some((victim) => victim.worker === worker),
  );
  for (const pid of new Set([...struck, ...now].map(({ trainer }) => trainer)))
    signal(pid, 'SIGCONT');
}

async function arm(file: string, armed: Fault): Promise<void> {
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(`${file}.incoming`, JSON.stringify(armed));
  await rename(`${file}.incoming`, file);
}
