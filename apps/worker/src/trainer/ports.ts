import type { EvaluationReport, Interruption, Position, StepReport } from '@ringmaster/protocol';
import type { Command, Message } from './membership/types.js';

/** A run as its trainer's life in generations sees it: how far its state has come, and what is due next. */
export interface TrainedRun {
  /** Steps made so far. */
  readonly step: number;
  /** Whether there is a state. */
  readonly isInitialised: boolean;
  readonly evaluationIsDue: boolean;
  readonly checkpointIsDue: boolean;
  /** Whether no step is left to be made; an evaluation may be due yet. */
  readonly isOver: boolean;
  position(): Position;
  /** SHA-256 of the state, hex. */
  stateHash(): string;
  /** Makes the state of step 0 from the specification. */
  initialise(): Promise<void>;
}

export interface SessionOptions {
  readonly generation: number;
  readonly rank: number;
  readonly size: number;
  /** The generation that this rank names in its control lane now; 0 for none. */
  readonly announced: () => number;
}

/**
 * One rank's part in one generation. Whatever is awaited of it rejects with `GenerationEnded` once it was ended, and the
 * state is not changed for it any more.
 */
export interface RingSession {
  readonly generation: number;
  readonly rank: number;
  /** The newer generation that all ranks named in the last sum, or null. */
  readonly agreed: number | null;
  /** Binds fresh sockets; nobody is connected yet. */
  bind(): Promise<{ readonly endpoint: string; readonly donor: string }>;
  /** Resolves when both neighbours are linked. */
  connect(start: Command<'start'>): Promise<void>;
  /** Takes the state over from other ranks, once they offer it. */
  fetchState(holders: readonly number[]): Promise<void>;
  /** The generation's first step is the next one. `offer`: other ranks take the state from here before it. */
  begin(offer: boolean): void;
  /** Notes what is being done from now on, for the record of an interruption; null for nothing. */
  does(doing: Interruption['doing'] | null): void;
  /** What is being done, or what it failed in; null when nothing. */
  interruption(): Interruption | null;
  /** @param abandon what others may still want of it is not waited for: the generation is over for everyone */
  end(how: { readonly abandon: boolean }): Promise<void>;
}

/** Checkpoints of the present state, written beside the step loop. One that fails is reported and rejects nothing. */
export interface Checkpoints {
  /** Begins one; passed over while the one before is still being written. */
  write(generation: number): void;
  /** Makes the present state durable; resolves when the message that tells how that went is sent. */
  save(generation: number): Promise<void>;
  /** Resolves when none is being written. */
  settled(): Promise<void>;
}

/** Everything that a trainer reaches through its generations: rings, TensorFlow, disks and time. */
export interface Ports<Session extends RingSession> {
  readonly run: TrainedRun;
  readonly checkpoints: Checkpoints;
  /** Milliseconds since some moment. */
  readonly now: () => number;
  readonly open: (options: SessionOptions) => Session;
  /** Makes a checkpoint the state. @param manifest Its id. */
  readonly loadCheckpoint: (manifest: string) => Promise<void>;
  /** Makes the evaluation that is due. @returns null when there was nothing to count */
  readonly evaluate: (session: Session) => Promise<EvaluationReport | null>;
  /** Makes the next step. */
  readonly step: (session: Session) => Promise<StepReport>;
  /** Makes what is left when the last step was made: at rank 0 the model. */
  readonly finish: (session: Session) => Promise<Message<'finished'>>;
}
