import type { BlobStore } from '@ringmaster/data';
import { isFinal, specHash, type Launch } from '@ringmaster/protocol';
import type { Logger } from 'pino';
import type { Garbage } from '../artifacts/garbage.js';
import { readArtifact } from '../artifacts/references.js';
import type { Fleet } from '../fleet/fleet.js';
import type { Metrics } from '../metrics/metrics.js';
import type { Preparations } from '../preparation/preparations.js';
import type { RunCommand } from '../runs/commands.js';
import type { JobRecord } from '../store/jobs.js';
import type { Store } from '../store/store.js';
import type { JobEvents } from './events.js';
import type { LiveJob } from './record.js';
import type { JobRegistry } from './registry.js';
import { isWantedByOthers } from './wanted-data.js';

/** Parts of the coordinator that carry out what runs want done. */
export interface CommandParts {
  readonly store: Store;
  readonly registry: JobRegistry;
  readonly blobs: BlobStore;
  readonly garbage: Garbage;
  readonly fleet: Fleet;
  readonly preparations: Preparations;
  readonly metrics: Metrics;
  readonly events: JobEvents;
  readonly log: Logger;
}

/** Writes what a command leaves behind, in the transaction of the run that wants it. */
export function remember(
  store: Store,
  blobs: BlobStore,
  job: JobRecord,
  command: RunCommand,
  at: string,
): void {
  switch (command.type) {
    case 'keep-checkpoint':
      store.checkpoints.insert(job.id, command.checkpoint, at);
      break;
    case 'drop-checkpoint':
      store.checkpoints.remove(job.id, command.checkpoint);
      break;
    case 'report': {
      const { number, worker, step, generation, what } = command.incident;
      store.incidents.insert({ at, job: job.id, worker, step, generation, what }, number);
      break;
    }
    case 'recovered':
      store.incidents.complete(job.id, command.incident, command.recovery);
      break;
    case 'register-model': {
      const { model: id } = command.result;
      const manifest = readArtifact(blobs, id, 'model');
      if (typeof manifest === 'string') throw new Error(`model ${id} vanished: ${manifest}`);
      const { task } = manifest;
      store.models.insert({ id, name: job.name, job: job.id, task, createdAt: at, manifest });
      break;
    }
    default:
  }
}

/** Carries a command out, once it is durable. */
export function carryOut(
  { store, registry, fleet, preparations, garbage, metrics, events, log }: CommandParts,
  live: LiveJob,
  command: RunCommand,
): void {
  const { record } = live;
  const { id: job } = record;
  switch (command.type) {
    case 'repair':
      live.repair ??= 'wanted';
      break;
    case 'stop-preparation':
      // A job that is paused goes on with what has been done, be it by another one.
      preparations.stop(job, isFinal(live.run.state) && !isWantedByOthers(record, registry, store));
      metrics.recordPreparation(job, null);
      break;
    case 'launch':
      fleet.launch(command.worker, launchOf(record, command.trainer));
      break;
    case 'send':
      fleet.command(command.trainer, command.command);
      break;
    case 'end':
      fleet.end(command.trainer);
      break;
    case 'keep-checkpoint':
      metrics.recordCheckpoint(job, command.seconds);
      break;
    case 'drop-checkpoint':
      garbage.release(command.checkpoint.manifest);
      break;
    case 'report':
      metrics.incidents.inc({ job });
      log.warn({ job, ...command.incident }, 'incident');
      tell(store, events, job, command.incident.number);
      break;
    case 'recovered':
      metrics.recordRecovery(job, command.recovery);
      log.info({ job, incident: command.incident, ...command.recovery }, 'recovered');
      tell(store, events, job, command.incident);
      break;
    case 'register-model':
      log.info({ job, ...command.result }, 'model registered');
      for (const model of withoutOlderModels(store, record)) {
        log.info({ job, model }, 'an older model of its name is removed');
        garbage.release(model);
      }
  }
}

/** Removes the models of a job's name beyond those that it wants kept, but for bases of jobs that have not ended. */
function withoutOlderModels(store: Store, { name, spec }: JobRecord): string[] {
  const { models: kept } = spec.retention;
  if (kept === undefined) return [];
  return store.transaction(() => {
    const older = store.models.ofName(name).slice(kept);
    const removed = older.filter((id) => store.needs.ofModel(id) === null);
    for (const id of removed) store.models.remove(id);
    return removed;
  });
}

/** Tells listeners of an incident, when it happens and when the run has recovered from it. */
function tell(store: Store, events: JobEvents, job: string, number: number): void {
  const incident = store.incidents.get(job, number);
  if (incident !== null) events.publish(job, { type: 'incident', incident });
}

function launchOf(job: JobRecord, trainer: string): Launch {
  const { id, spec, dataManifest, baseManifest } = job;
  if (dataManifest === null) throw new Error(`job ${id} is launched without data`);
  const hash = specHash(spec, dataManifest, baseManifest);
  return { trainer, job: id, spec, dataManifest, baseManifest, specHash: hash };
}
