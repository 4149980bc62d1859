import type { Origin } from '../run/manifest.js';
import type { Run } from '../run/run.js';

/** What of a run a checkpoint is made of, and is loaded into. */
export interface Subject
  extends Origin, Pick<Run, 'state' | 'isInitialised' | 'beforeChange' | 'forget' | 'replace'> {
  readonly loaded: Origin['loaded'] & Pick<Run['loaded'], 'artifacts'>;
}
