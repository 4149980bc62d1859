import type { Recovery, TrainerCommand } from '@ringmaster/protocol';
import type { Checkpoint, Run, RunResult, Trainer } from './run.js';

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

/** A failure that a transition met; its incident is written once it is known what comes of it. */
export interface Failure {
  readonly trainer: Trainer;
  /** The run as it was when the failure happened. */
  readonly run: Run;
  readonly step: number;
  /** What befell the trainer, to follow its name: "exited with code 1". */
  readonly what: string;
  readonly lastLines: readonly string[];
  /** Further sentences of the incident. */
  readonly remarks: readonly string[];
  /** If the failure broke the ring: the last sign of life of what failed, and when the failure was known. */
  readonly broke: { readonly heard: number; readonly known: number } | null;
}

/** The context of one transition: its time, and the commands and failures that it gathers on its way. */
export interface Context {
  readonly now: number;
  /** Whether the event is a tick: what can wait is looked at only then. */
  readonly idle: boolean;
  readonly commands: RunCommand[];
  readonly failures: Failure[];
}

/** Has a command sent to a trainer. */
export function send(context: Context, trainer: string, command: TrainerCommand): void {
  context.commands.push({ type: 'send', trainer, command });
}

/** Records a failure, which becomes an incident at the end of the transition. */
export function recordFailure(
  run: Run,
  trainer: Trainer,
  what: string,
  context: Context,
  more: Partial<Failure> = {},
): void {
  const { step } = run;
  const none = { lastLines: [], remarks: [], broke: null };
  context.failures.push({ trainer, run, step, what, ...none, ...more });
}
