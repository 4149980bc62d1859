import type { Dice } from '../dice.js';
import type { Stage } from '../stage.js';
import type { FaultAction, FaultPoint } from '@ringmaster/worker/faults';

/** A number in [0, 1) that picks one of those who are there at the time. */
type Pick = number;

/** What each kind of event is told. */
export interface EventData {
  'kill-trainer': { readonly victim: Pick };
  'kill-two-trainers': { readonly victims: readonly [Pick, Pick] };
  'kill-worker': { readonly victim: Pick };
  'kill-coordinator': { readonly awayMs: number };
  'kill-coordinator-and-trainer': { readonly victim: Pick; readonly awayMs: number };
  'kill-cluster': object;
  'restart-cluster': { readonly by: 'down' | 'signals' };
  'stop-trainer': { readonly victim: Pick; readonly forMs: number };
  'stop-worker': { readonly victim: Pick; readonly forMs: number };
  'hang-trainer': { readonly victim: Pick };
  'hang-worker': { readonly victim: Pick };
  'freeze-host': { readonly victim: Pick };
  join: object;
  leave: { readonly victim: Pick };
  'hang-up': { readonly victim: Pick };
  'restart-in-namespace': { readonly victim: Pick };
  preempt: object;
  pause: { readonly forMs: number };
  'damage-checkpoint': { readonly bit: number };
  'damage-shard': { readonly victim: Pick; readonly cut: boolean; readonly bit: number };
  'fill-disk': { readonly forMs: number };
  'cut-connection': { readonly victim: Pick };
  'delay-connection': { readonly victim: Pick; readonly byMs: number; readonly forMs: number };
  'silence-connection': { readonly victim: Pick };
  'flip-frame': { readonly victim: Pick; readonly bit: number };
  fault: {
    readonly victim: Pick;
    readonly point: FaultPoint;
    readonly action: FaultAction;
    readonly passes: number;
  };
}

export type Kind = keyof EventData;

/** Something that happens to a run. It is data: a seed makes it, a report prints it. */
export type ChaosEvent<K extends Kind = Kind> = {
  [Each in K]: { readonly kind: Each } & EventData[Each];
}[K];

/** What an event has done. */
export interface Applied {
  /** To whom, for the report. */
  readonly what: string;
  /** Ids of the workers of which an incident must tell, and alone may. */
  readonly culprits: readonly string[];
}

export interface EventKind<K extends Kind> {
  /** Draws an event from the dice alone. */
  draw(dice: Dice): ChaosEvent<K>;
  /** Whether the event may lead to an incident. A planned change, or a short delay, may not. */
  disturbs(event: ChaosEvent<K>): boolean;
  /** Lets it happen, and resolves when its cause is over; how the run takes it is not waited for. */
  apply(event: ChaosEvent<K>, stage: Stage): Promise<Applied>;
}
