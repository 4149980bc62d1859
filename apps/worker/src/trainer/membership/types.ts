import type { Interruption, Position, TrainerCommand, TrainerMessage } from '@ringmaster/protocol';

export type Command<Type extends TrainerCommand['type']> = Extract<TrainerCommand, { type: Type }>;
export type Message<Type extends TrainerMessage['type']> = Extract<TrainerMessage, { type: Type }>;

/**
 * How far a part has come:
 * - `stopping`: what was at work in older generations is being ended;
 * - `binding`, `bound`: its sockets are made; it waits for `start`;
 * - `linking`, `linked`: its ring comes together; a linked one beside the present ring waits for agreement;
 * - `taking`: the state that it begins from is made, loaded or fetched;
 * - `stepping`: its ring is at work;
 * - `parked`: it has finished or failed, and keeps its state.
 */
export type Phase =
  'stopping' | 'binding' | 'bound' | 'linking' | 'linked' | 'taking' | 'stepping' | 'parked';

/** A trainer's part in one generation. */
export interface Part {
  readonly kind: 'part';
  readonly generation: number;
  readonly rank: number;
  readonly size: number;
  readonly phase: Phase;
  /** What was at work here in the generation that this one ended. */
  readonly interrupted: Interruption | null;
  /** The answer to `prepare`, once its sockets are bound; said when no older change can be agreed to any more. */
  readonly prepared: Message<'prepared'> | null;
  readonly promised: boolean;
  readonly start: Command<'start'> | null;
  /** What was last said of it, with which a repeated `start` is answered. */
  readonly outcome: Message<'started' | 'finished' | 'failed'> | null;
  /** The change was withdrawn or overtaken, but the step in flight may still agree to it. */
  readonly dropped: boolean;
}

/** A generation that the present ring is to switch to without this trainer. */
export interface Leave {
  readonly kind: 'leave';
  readonly generation: number;
  readonly checkpoint: boolean;
  readonly dropped: boolean;
}

/** What the present ring may switch to. */
export type Change = Part | Leave;

/** Everything that decides what a trainer does next about generations. */
export interface Membership {
  /** Newest generation that was ever named to it. */
  readonly newest: number;
  /** The ring that it steps in, is about to, or was in last. */
  readonly present: Part | null;
  /** Oldest first; all but the last are dropped. */
  readonly changes: readonly Change[];
  /** The generation that a ring has switched to without this trainer, and what it said of it. */
  readonly retired: {
    readonly generation: number;
    readonly said: Message<'retired'> | null;
  } | null;
}

export type MembershipInput =
  | { readonly type: 'command'; readonly command: TrainerCommand }
  /** Everything of older generations has been ended: no loop, no transfer, no socket. */
  | { readonly type: 'stopped'; readonly interrupted: Interruption | null }
  | {
      readonly type: 'bound';
      readonly generation: number;
      readonly endpoint: string;
      readonly donor: string;
      /** Null when there is none, and while it moves. */
      readonly state: Position | null;
    }
  | { readonly type: 'linked'; readonly generation: number }
  /** The state that the generation begins from is at hand. */
  | {
      readonly type: 'taken';
      readonly generation: number;
      readonly step: number;
      readonly seconds: number;
    }
  /** A step of the present ring is applied; `agreed` is the generation that the lanes of all its ranks named. */
  | { readonly type: 'concluded'; readonly step: number; readonly agreed: number | null }
  /** What was to be done before leaving a ring is done. */
  | { readonly type: 'left'; readonly generation: number; readonly step: number }
  | { readonly type: 'ended'; readonly message: Message<'finished' | 'failed'> };

export type MembershipEffect =
  | { readonly type: 'say'; readonly message: TrainerMessage }
  /** End every session at once; `stopped` follows. What was interrupted is told of the generation `of`. */
  | { readonly type: 'stop'; readonly of: number | null }
  | {
      readonly type: 'bind';
      readonly generation: number;
      readonly rank: number;
      readonly size: number;
    }
  | { readonly type: 'connect'; readonly start: Command<'start'> }
  /** Get hold of the state that the generation begins from; `taken` follows. */
  | { readonly type: 'take'; readonly start: Command<'start'> }
  /** The step loop begins in this generation; `offer`: somebody takes the state from here. */
  | { readonly type: 'begin'; readonly generation: number; readonly offer: boolean }
  /** The step loop goes on in this generation. */
  | { readonly type: 'switch'; readonly generation: number; readonly offer: boolean }
  /** The step loop is over, for the ring has gone on without this trainer; `left` follows. */
  | { readonly type: 'leave'; readonly generation: number; readonly checkpoint: boolean }
  /** Let go of a generation's sockets once what they still hold has left. */
  | { readonly type: 'close'; readonly generation: number }
  | { readonly type: 'save'; readonly generation: number };

export interface Proceeding {
  readonly membership: Membership;
  readonly effects: readonly MembershipEffect[];
}

/** A trainer that has not been told anything. */
export function newMembership(): Membership {
  return { newest: 0, present: null, changes: [], retired: null };
}

/** The generation whose ring must agree for this part to begin, or null when it begins otherwise. */
export function predecessor({ start }: Part): number | null {
  return start?.begin.at === 'switch' ? start.begin.from : null;
}

/** Whether others take the state from this part before its first step. */
export function isDonor({ start, rank, size }: Part): boolean {
  if (start === null || !('holders' in start.begin)) return false;
  const { holders } = start.begin;
  return holders.includes(rank) && holders.length < size;
}

/**
 * What this trainer names in its control lane now; 0 for nothing. Only the newest change counts, and only one that
 * could begin at once.
 */
export function announced({ present, changes }: Membership): number {
  const change = changes.at(-1);
  if (present?.phase !== 'stepping' || change === undefined || change.dropped) return 0;
  if (change.kind === 'leave') return change.generation;
  const ready = change.phase === 'linked' && predecessor(change) === present.generation;
  return ready ? change.generation : 0;
}
