import type { FleetEvent } from './fleet/event.js';
import type { Adoption } from './jobs/adoption.js';
import type { JobLogs } from './jobs/logs.js';
import type { Reports } from './jobs/reports.js';
import type { Scheduling } from './jobs/scheduling.js';
import type { Preparations } from './preparation/preparations.js';
import type { Store } from './store/store.js';

/** Parts of the coordinator that take in what happens in the fleet. */
export interface Receivers {
  readonly reports: Reports;
  readonly adoption: Adoption;
  readonly scheduling: Scheduling;
  readonly preparations: Preparations;
  readonly store: Store;
  readonly logs: JobLogs;
}

type EventOf<Type extends FleetEvent['type']> = Extract<FleetEvent, { type: Type }>;

interface Route<Event> {
  /** Whether it counts while trainers are being ended, when most of what becomes of them tells nothing any more. */
  readonly atEnd: boolean | ((event: Event) => boolean);
  readonly to: (receivers: Receivers, event: Event) => void;
}

type Routes = { readonly [Type in FleetEvent['type']]: Route<EventOf<Type>> };

/** The receiver of each event of the fleet. */
const routes: Routes = {
  'trainer-message': {
    atEnd: ({ message }) => message.type === 'checkpointed' || message.type === 'progress',
    to: ({ reports }, { worker, trainer, message }) => {
      reports.onMessage(worker, trainer, message);
    },
  },
  'trainer-gone': {
    atEnd: false,
    to: ({ reports }, { trainer, departure }) => {
      reports.onGone(trainer, departure);
    },
  },
  'trainers-released': {
    atEnd: false,
    to: ({ reports }, { trainers, reason }) => {
      reports.onReleased(trainers, reason);
    },
  },
  'worker-registered': {
    atEnd: true,
    to: ({ preparations }, { worker }) => {
      preparations.onWorker(worker);
    },
  },
  'task-failed': {
    atEnd: true,
    to: ({ preparations }, { worker, lease, reason }) => {
      preparations.onTaskFailed(worker, lease, reason);
    },
  },
  'worker-reported': {
    atEnd: false,
    to: ({ adoption }, { worker, held }) => {
      adoption.reattached(worker, held);
    },
  },
  'checkpoints-kept': {
    atEnd: true,
    to: ({ adoption }, { checkpoints }) => {
      adoption.keep(checkpoints);
    },
  },
  'worker-quarantined': {
    atEnd: true,
    to: ({ store }, { worker, what }) => {
      const at = new Date().toISOString();
      store.incidents.insert({ at, job: null, worker, step: null, generation: null, what }, null);
    },
  },
  log: {
    atEnd: true,
    to: ({ store, logs }, { job, lines }) => {
      if (store.jobs.get(job) !== null) logs.append(job, lines);
    },
  },
  'slots-changed': {
    atEnd: true,
    to: ({ scheduling, preparations }) => {
      scheduling.soon();
      preparations.review();
    },
  },
};

/**
 * Hands an event of the fleet to its receiver.
 * @param isEnding Whether trainers are being ended.
 */
export function route(event: FleetEvent, receivers: Receivers, isEnding: boolean): void {
  const { atEnd, to } = routes[event.type] as Route<FleetEvent>;
  const counts = typeof atEnd === 'boolean' ? atEnd : atEnd(event);
  if (!isEnding || counts) to(receivers, event);
}
