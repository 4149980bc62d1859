import type { Recovery, TrainerCommand } from '@ringmaster/protocol';
import type { Checkpoint, RunResult } from './run.js';

/** What a run wants done. The new state of the run is durable before any of its commands is carried out. */
export type RunCommand =
  | { readonly type: 'stop-preparation' }
  /** What was prepared is to be looked through, and prepared again where it is missing or damaged. */
  | { readonly type: 'repair' }
  | { readonly type: 'launch'; readonly trainer: string; readonly worker: string }
  | { readonly type: 'send'; readonly trainer: string; readonly command: TrainerCommand }
  | { readonly type: 'end'; readonly trainer: string }
  | {
      readonly type: 'keep-checkpoint';
      readonly checkpoint: Checkpoint;
      /** Time to make it durable; null where that is not known. */
      readonly seconds: number | null;
    }
  | { readonly type: 'drop-checkpoint'; readonly checkpoint: Checkpoint }
  | { readonly type: 'register-model'; readonly result: RunResult }
  | { readonly type: 'report'; readonly incident: IncidentReport }
  /** The run goes on after this incident. */
  | { readonly type: 'recovered'; readonly incident: number; readonly recovery: Recovery };

export interface IncidentReport {
  /** Counts the incidents of a run, from 1. */
  readonly number: number;
  readonly trainer: string;
  readonly worker: string;
  readonly step: number;
  /** The generation in force when it happened. */
  readonly generation: number;
  /** One paragraph: what, who, step, last lines, what was done. */
  readonly what: string;
}
