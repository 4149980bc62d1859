import type { ArtifactManifest } from '@ringmaster/protocol';
import type { Run } from './run.js';

/** What of a run tells where an artifact comes from. */
export interface Origin extends Pick<Run, 'launch' | 'step' | 'evaluations'> {
  readonly task: Pick<Run['task'], 'name' | 'labels'>;
}

/** The manifest of an artifact that a run makes of its present state, still without the state's hash and files. */
export function manifestOf(
  run: Origin,
  kind: ArtifactManifest['kind'],
): Omit<ArtifactManifest, 'stateHash' | 'files'> {
  const { job, spec, specHash, dataManifest, baseManifest } = run.launch;
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
    task: run.task.name,
    labels: run.task.labels,
    metrics: {},
  };
}
