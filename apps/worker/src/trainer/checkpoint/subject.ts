import type { Origin } from '../run/manifest.js';
import type { Run } from '../run/run.js';

/** What of a run a checkpoint is made of, and is loaded into. */
export type Subject = Origin &
  Pick<Run, 'artifacts' | 'state' | 'isInitialised' | 'forget' | 'replace'>;
