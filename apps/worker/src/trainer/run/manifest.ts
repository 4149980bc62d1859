import type { ArtifactManifest, Launch } from '@ringmaster/protocol';
import type { BoundTask } from '@ringmaster/tasks';
import type { Run } from './run.js';

/** What of a run tells where an artifact comes from. */
export interface Origin extends Pick<Run, 'step' | 'evaluations'> {
  readonly loaded: {
    readonly launch: Launch;
    readonly task: Pick<BoundTask, 'name' | 'labels'>;
  };
}

/** The manifest of an artifact that a run makes of its present state, still without the state's hash and files. */
export function manifestOf(
  run: Origin,
  kind: ArtifactManifest['kind'],
): Omit<ArtifactManifest, 'stateHash' | 'files'> {
  const { launch, task } = run.loaded;
  const { job, spec, specHash, dataManifest, baseManifest } = launch;
  return {
    format: 1,
    kind,
    job,
    name: spec.name,
    step: run.step,
    evaluations: run.evaluations,
    specHash,
    dataManifest,
    baseManifest,
    task: task.name,
    labels: task.labels,
    metrics: {},
  };
}
