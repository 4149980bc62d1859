import type { Beginning, JobState, JobView, Position, TrainerMessage } from '@ringmaster/protocol';
import type { RunCommand } from './commands.js';

/** Why a job failed, as the API tells it. */
export type Fault = NonNullable<JobView['error']>;

/** A process that computes for this run, or is about to. */
export interface Trainer {
  readonly id: string;
  readonly worker: string;
  /** When it was launched, in milliseconds. */
  readonly since: number;
  /** Whether TensorFlow, data and model are loaded. */
  readonly ready: boolean;
  /** Whether it was started in some generation, and so holds a state. */
  readonly seated: boolean;
  /** Strikes of the run when it was launched. */
  readonly strikesBefore: number;
}

export interface Prepared {
  readonly endpoint: string;
  readonly donor: string;
  readonly state: Position | null;
}

/** A trainer's seat in a ring; its rank is its place in the list. */
export interface Member {
  readonly trainer: string;
  readonly prepared: Prepared | null;
  readonly finished: boolean;
}

/** One generation: being formed until it is `started`. */
export interface Ring {
  readonly generation: number;
  readonly members: readonly Member[];
  readonly started: boolean;
  /** When it was issued, or when one of its members was last heard, in milliseconds. */
  readonly heard: number;
}

export interface Checkpoint {
  readonly position: Position;
  /** SHA-256 of its manifest. */
  readonly manifest: string;
}

/** A failure that counts towards the crash loop: at most one for each time that the run was under way. */
export interface Strike {
  readonly step: number;
  /** Whether a process ended, rather than reporting that it cannot go on. */
  readonly exited: boolean;
  readonly members: readonly string[];
}

/** Everything that decides what happens to a job next. */
export interface Run {
  readonly job: string;
  readonly name: string;
  readonly limits: {
    readonly min: number;
    readonly max: number;
    readonly microbatches: number;
    /** Newest checkpoints that are kept. */
    readonly keep: number;
  };
  readonly state: JobState;
  /** Whether its data is prepared. */
  readonly prepared: boolean;
  /** Newest generation ever issued. */
  readonly generation: number;
  /** Steps applied. */
  readonly step: number;
  readonly steps: number | null;
  /** What a trainer must report of its numerics to take part. */
  readonly numerics: Readonly<Record<string, string>> | null;
  /** Oldest first. */
  readonly checkpoints: readonly Checkpoint[];
  readonly trainers: readonly Trainer[];
  readonly ring: Ring | null;
  /** Where the ring's members took their state from. */
  readonly source: Beginning | null;
  readonly strikes: readonly Strike[];
  readonly strikesEver: number;
  /** Since when it holds fewer trainers than its minimum and waits for more. */
  readonly strandedSince: number | null;
  /** Seconds of the slowest step so far. */
  readonly slowestStep: number;
  /** Trainers that failed to load, by worker. */
  readonly loadFailures: Readonly<Record<string, number>>;
  /** Workers that it is not launched on again: their numerics differ, or it keeps failing to load there. */
  readonly excluded: readonly string[];
  readonly error: Fault | null;
  readonly result: RunResult | null;
}

export interface RunResult {
  readonly stateHash: string;
  /** SHA-256 of the model's manifest. */
  readonly model: string;
  readonly metrics: Readonly<Record<string, number>>;
}

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
  /** Its process gave no sign of life for so many seconds, and is being killed. */
  | { readonly cause: 'silent'; readonly seconds: number };

export type RunEvent =
  /** The preparation of its data began, ended, or cannot succeed (as when a job it depends on has failed). */
  | { readonly type: 'preparing' }
  | { readonly type: 'prepared' }
  | { readonly type: 'abandoned'; readonly error: Fault }
  /** The scheduler gave it slots. */
  | { readonly type: 'placed'; readonly trainers: readonly { id: string; worker: string }[] }
  | { readonly type: 'message'; readonly trainer: string; readonly message: TrainerMessage }
  | { readonly type: 'gone'; readonly trainer: string; readonly departure: Departure }
  | { readonly type: 'cancelled' }
  /** A user wants its slots free and its state kept, or has it go on. */
  | { readonly type: 'paused' }
  | { readonly type: 'resumed' }
  /** These trainers' slots are wanted: their worker leaves, or a job of higher priority needs them. */
  | { readonly type: 'released'; readonly trainers: readonly string[]; readonly reason: string }
  /** All its slots are wanted by a job of higher priority: it saves its state and queues again. */
  | { readonly type: 'yielded'; readonly reason: string }
  /** The worker of this trainer has registered again: what it was told may have been lost. */
  | { readonly type: 'reattached'; readonly trainer: string }
  /** Time has passed. */
  | { readonly type: 'tick' };

export interface Transition {
  readonly run: Run;
  readonly commands: readonly RunCommand[];
}

/** A job's run before anything has happened to it. */
export function newRun(job: string, name: string, limits: Run['limits']): Run {
  return {
    job,
    name,
    limits,
    state: 'queued',
    prepared: false,
    generation: 0,
    step: 0,
    steps: null,
    numerics: null,
    checkpoints: [],
    trainers: [],
    ring: null,
    source: null,
    strikes: [],
    strikesEver: 0,
    strandedSince: null,
    slowestStep: 0,
    loadFailures: {},
    excluded: [],
    error: null,
    result: null,
  };
}
