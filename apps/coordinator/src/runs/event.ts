import type { TrainerMessage } from '@ringmaster/protocol';
import type { RunCommand } from './commands.js';
import type { Fault, Run, Trainer } from './run.js';

/** How a trainer came to an end. */
export type Departure =
  | {
      readonly cause: 'exited';
      readonly code: number | null;
      readonly signal: string | null;
      readonly lastLines: readonly string[];
      /** Most memory that the process was seen to use, in bytes. */
      readonly rssBytes: number | null;
      /** The system killed some process for want of memory at that time. */
      readonly outOfMemory: boolean;
    }
  | { readonly cause: 'worker-lost'; readonly reason: string }
  /** The process gave no sign of life for so many seconds, and is being killed. */
  | { readonly cause: 'silent'; readonly seconds: number };

/** A trainer that is to be launched. */
export type Placed = Pick<Trainer, 'id' | 'worker' | 'place'>;

export type RunEvent =
  /** The preparation of its data began, ended, or cannot succeed (as when a job it depends on has failed). */
  | { readonly type: 'preparing' }
  | { readonly type: 'prepared' }
  | { readonly type: 'abandoned'; readonly error: Fault }
  /** The scheduler gave it slots. */
  | { readonly type: 'placed'; readonly trainers: readonly Placed[] }
  | { readonly type: 'message'; readonly trainer: string; readonly message: TrainerMessage }
  | { readonly type: 'gone'; readonly trainer: string; readonly departure: Departure }
  | { readonly type: 'cancelled' }
  /** A user wants its slots free and its state kept, or has it go on. */
  | { readonly type: 'paused' }
  | { readonly type: 'resumed' }
  /** Slots of some trainers are wanted: their worker leaves, or a job of higher priority needs them. */
  | { readonly type: 'released'; readonly trainers: readonly string[]; readonly reason: string }
  /** All slots of the run are wanted, by a job of higher priority or for the end of the cluster: it saves its state and queues again. */
  | { readonly type: 'yielded'; readonly reason: string }
  /** The trainers of the run were ended on purpose, saved or not: it queues again, and nothing has failed. */
  | { readonly type: 'dismissed' }
  /** The worker of this trainer has registered again: what it was told may have been lost. */
  | { readonly type: 'reattached'; readonly trainer: string }
  /** A checkpoint that a worker made durable while no coordinator was there to be told. */
  | { readonly type: 'recovered'; readonly checkpoint: Run['checkpoints'][number] }
  /** Time has passed. */
  | { readonly type: 'tick' };

export interface Transition {
  readonly run: Run;
  readonly commands: readonly RunCommand[];
}
