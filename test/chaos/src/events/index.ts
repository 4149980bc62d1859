import type { Dice } from '../dice.js';
import type { Stage } from '../stage.js';
import { cutConnection } from './cut-connection.js';
import { damageCheckpoint } from './damage-checkpoint.js';
import { damageShard } from './damage-shard.js';
import { delayConnection } from './delay-connection.js';
import type { Applied, ChaosEvent, EventKind, Kind } from './event.js';
import { fault } from './fault.js';
import { fillDisk } from './fill-disk.js';
import { flipFrame } from './flip-frame.js';
import { freezeHost } from './freeze-host.js';
import { hangUp } from './hang-up.js';
import { hangTrainer } from './hang-trainer.js';
import { hangWorker } from './hang-worker.js';
import { join } from './join.js';
import { killCluster } from './kill-cluster.js';
import { killCoordinatorAndTrainer } from './kill-coordinator-and-trainer.js';
import { killCoordinator } from './kill-coordinator.js';
import { killTrainer } from './kill-trainer.js';
import { killTwoTrainers } from './kill-two-trainers.js';
import { killWorker } from './kill-worker.js';
import { leave } from './leave.js';
import { pause } from './pause.js';
import { preempt } from './preempt.js';
import { restartCluster } from './restart-cluster.js';
import { restartInNamespace } from './restart-in-namespace.js';
import { silenceConnection } from './silence-connection.js';
import { stopTrainer } from './stop-trainer.js';
import { stopWorker } from './stop-worker.js';

export type { Applied, ChaosEvent, Kind } from './event.js';

const eventKinds: { readonly [K in Kind]: EventKind<K> } = {
  'kill-trainer': killTrainer,
  'kill-two-trainers': killTwoTrainers,
  'kill-worker': killWorker,
  'kill-coordinator': killCoordinator,
  'kill-coordinator-and-trainer': killCoordinatorAndTrainer,
  'kill-cluster': killCluster,
  'restart-cluster': restartCluster,
  'stop-trainer': stopTrainer,
  'stop-worker': stopWorker,
  'hang-trainer': hangTrainer,
  'hang-worker': hangWorker,
  'freeze-host': freezeHost,
  join,
  leave,
  'hang-up': hangUp,
  'restart-in-namespace': restartInNamespace,
  preempt,
  pause,
  'damage-checkpoint': damageCheckpoint,
  'damage-shard': damageShard,
  'fill-disk': fillDisk,
  'cut-connection': cutConnection,
  'delay-connection': delayConnection,
  'silence-connection': silenceConnection,
  'flip-frame': flipFrame,
  fault,
};

export const allKinds = Object.keys(eventKinds) as Kind[];

/** What happens to connections, which needs a network that is ours. */
export const NETWORK_KINDS: readonly Kind[] = [
  'cut-connection',
  'delay-connection',
  'silence-connection',
  'flip-frame',
];

export function isKind(name: string): name is Kind {
  return name in eventKinds;
}

export function drawEvent(kind: Kind, dice: Dice): ChaosEvent {
  return eventKinds[kind].draw(dice);
}

/** Whether an event may lead to an incident. */
export function disturbs<K extends Kind>(event: ChaosEvent<K>): boolean {
  const kind: EventKind<K> = eventKinds[event.kind];
  return kind.disturbs(event);
}

export function applyEvent<K extends Kind>(event: ChaosEvent<K>, stage: Stage): Promise<Applied> {
  const kind: EventKind<K> = eventKinds[event.kind];
  return kind.apply(event, stage);
}
