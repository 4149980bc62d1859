import type { JobView } from '@ringmaster/protocol';
import type { Applied } from './events/index.js';
import type { Entry } from './schedule.js';

/** An event that happened. */
export interface Happened extends Applied {
  readonly entry: Entry;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Whether the event may lead to an incident. */
  readonly disturbs: boolean;
  readonly step: number;
  /** Time until a step was applied that had not been when it happened; null when the run was over. */
  readonly stallSeconds: number | null;
}

/** One run under events, and what was wrong with it. */
export interface Endured {
  readonly job: string;
  readonly happened: readonly Happened[];
  readonly view: JobView;
  /** Each is one sentence; none means that the promise held. */
  readonly violations: readonly string[];
}
