import type { Home } from '@ringmaster/base';
import { BlobStore, type Roots } from '@ringmaster/data';
import type { CoordinatorMessage } from '@ringmaster/protocol';
import type { Logger } from 'pino';
import { Members } from './access/members.js';
import { Tokens } from './access/tokens.js';
import { registration } from './api/routes.js';
import { Garbage } from './artifacts/garbage.js';
import { PreparedData } from './artifacts/prepared-data.js';
import { Reachable } from './artifacts/reachable.js';
import { Removal } from './artifacts/removal.js';
import { Usage } from './artifacts/usage.js';
import { BackgroundWork } from './background-work.js';
import { Fleet, type FleetOptions } from './fleet/fleet.js';
import { Housekeeping } from './housekeeping.js';
import { Adoption } from './jobs/adoption.js';
import { Runs } from './jobs/apply.js';
import { JobEvents } from './jobs/events.js';
import { Jobs } from './jobs/jobs.js';
import { JobLogs } from './jobs/logs.js';
import { JobRegistry } from './jobs/registry.js';
import { Reports } from './jobs/reports.js';
import { Scheduling } from './jobs/scheduling.js';
import { JobViews } from './jobs/views.js';
import { takeCensus } from './metrics/census.js';
import { Metrics } from './metrics/metrics.js';
import type { PrepareOn } from './preparation/placement.js';
import { Preparations } from './preparation/preparations.js';
import { route } from './routing.js';
import type { Store } from './store/store.js';
import { version } from './version.js';

export interface PartsOptions extends Pick<FleetOptions, 'leaseMs' | 'artifacts'> {
  readonly home: Home;
  readonly store: Store;
  /** The token in the home; null for a cluster that asks for none. */
  readonly ownerToken: string | null;
  /** Directories that jobs may name files under; null for all. */
  readonly dataRoots: Roots;
  /** Where tasks of data preparation may be done. */
  readonly prepareOn: PrepareOn;
  readonly log: Logger;
  /** Milliseconds of a clock that never goes back. */
  readonly clock: () => number;
  /** Runs what nobody waits for. */
  readonly guarded: (work: () => void) => void;
  /** Sends a message to a worker. */
  readonly send: (peer: string, message: CoordinatorMessage) => void;
  /** Whether trainers are being ended. */
  readonly isEnding: () => boolean;
}

/** Makes the parts of a coordinator, from the store outwards. None of them does anything yet. */
export function assemble(options: PartsOptions) {
  const { home, store, dataRoots, log, clock, guarded, isEnding } = options;
  const { leaseMs, ownerToken, artifacts, send } = options;
  const onChange = () => {
    scheduling.soon();
  };

  const background = new BackgroundWork();
  const blobs = new BlobStore(home.artifacts);
  const prepared = new PreparedData(home.data, blobs);
  const reachable = new Reachable(store, blobs, prepared);
  const garbage = new Garbage(reachable, blobs, background);
  const usage = new Usage(home, reachable, blobs);
  const logs = new JobLogs(home.logs);
  const housekeeping = new Housekeeping({
    store,
    garbage,
    prepared,
    logDirectory: home.logs,
    background,
    log,
  });
  const events = new JobEvents();
  const registry = new JobRegistry(store, clock);
  const views = new JobViews(
    registry,
    store,
    events,
    () => fleet.offers(),
    (job) => preparations.preparersOf(job),
  );

  const tokens = new Tokens(store.access, ownerToken);
  const members = new Members(store.access);
  const fleet = new Fleet({
    version,
    leaseMs,
    admit: (token) =>
      tokens.refusal(token, registration.needs) ?? { token: tokens.holder(token)?.id ?? null },
    artifacts,
    send,
    clock,
    log,
    isWanted: (trainer) => registry.holding(trainer) !== null,
    onEvent: (event) => {
      route(event, { reports, adoption, scheduling, preparations, store, logs }, isEnding());
    },
  });
  const census = () => takeCensus(fleet.workers, store, usage);
  const metrics = new Metrics(census);
  const preparations = new Preparations({
    background,
    prepareOn: options.prepareOn,
    fleet,
    clock,
    log,
    onTask: (by) => {
      metrics.preparationTasks.inc({ by });
    },
  });
  const removal = new Removal({
    store,
    blobs,
    reachable,
    prepared,
    garbage,
    logs,
    metrics,
    housekeeping,
    background,
    log,
  });
  const runs = new Runs({
    registry,
    views,
    store,
    blobs,
    garbage,
    fleet,
    preparations,
    metrics,
    events,
    log,
    onChange,
  });
  const reports = new Reports({ registry, runs, store, blobs, garbage, metrics, events, log });
  const jobs = new Jobs({
    registry,
    runs,
    views,
    store,
    fleet,
    blobs,
    log,
    clock,
    dataRoots,
    onChange,
  });
  const adoption = new Adoption({ registry, runs, reports, blobs, log });
  const scheduling: Scheduling = new Scheduling({
    registry,
    runs,
    views,
    store,
    fleet,
    preparations,
    metrics,
    directories: { artifacts: home.artifacts, index: home.data },
    dataRoots,
    blobs,
    prepared,
    logs,
    log,
    guarded,
  });
  return {
    background,
    store,
    blobs,
    prepared,
    usage,
    logs,
    housekeeping,
    events,
    preparations,
    registry,
    views,
    tokens,
    members,
    fleet,
    census,
    metrics,
    removal,
    runs,
    jobs,
    adoption,
    scheduling,
  };
}
