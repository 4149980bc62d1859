import type { ArtifactManifest } from '@ringmaster/protocol';
import type { Run } from './run.js';

/** The manifest of an artifact that this run makes of its present state, whose hash is given, still without files. */
export function manifestOf(
  run: Run,
  kind: ArtifactManifest['kind'],
  stateHash: string,
): ArtifactManifest {
  const { job, spec, specHash, dataManifest, baseManifest } = run.launch;
  return {
    format: 1,
    kind,
    job,
    name: spec.name,
    step: run.step,
    evaluations: run.evaluations,
    stateHash,
    specHash,
    dataManifest,
    baseManifest,
    task: run.task.name,
    labels: run.task.labels,
    metrics: {},
    files: {},
  };
}
