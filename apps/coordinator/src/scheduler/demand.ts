import type { MemoryOffer } from '@ringmaster/protocol';

export type Device = 'cpu' | 'gpu';

/** A slot that a trainer of a job holds, and that is not being freed. */
export interface Held {
  readonly trainer: string;
  readonly worker: string;
}

/** A job that holds slots or wants some, as the scheduler sees it. */
export interface Demand {
  readonly job: string;
  readonly priority: number;
  /** Order of submission. */
  readonly order: number;
  /** Slots below which the job does not start. */
  readonly min: number;
  /** Slots above which it takes no more. */
  readonly max: number;
  /** Oldest first; none of a job that yields. */
  readonly held: readonly Held[];
  /** Whether the plan before had it await slots (`Plan.awaiting`). */
  readonly awaits: boolean;
  /** Whether the job is saving its state to yield: it keeps its place in the queue and takes nothing before that is done. */
  readonly isYielding: boolean;
  /** Whether the job could yield: a state that cannot be saved would be lost. */
  readonly canYield: boolean;
  /** TensorFlow threads that a slot must have. */
  readonly threads: number;
  /** Bytes that each of its trainers takes; 0 where that is not known. */
  readonly memory: number;
  /** Kind of device that its trainers run on; null while it has none. All of a run's are of one kind. */
  readonly device: Device | null;
  /** Workers that it was refused on. */
  readonly excluded: readonly string[];
}

/** A worker's slots. */
export interface Offer {
  readonly worker: string;
  readonly slots: number;
  /** Slots that no trainer sits in. One that is neither free nor held by a demand is being freed. */
  readonly free: number;
  readonly threads: number;
  readonly device: Device;
  /** What its trainers may take together with those of other workers of the same pool; null where it does not tell. */
  readonly memory: MemoryOffer | null;
}
