import type { KeptCheckpoint, TrainerMessage } from '@ringmaster/protocol';
import type { Departure } from '../runs/event.js';

/** What happens in the fleet that others have to know. */
export type FleetEvent =
  /** A trainer says something; it may be one that is no more. */
  | {
      readonly type: 'trainer-message';
      readonly worker: string;
      readonly trainer: string;
      readonly message: TrainerMessage;
    }
  | { readonly type: 'trainer-gone'; readonly trainer: string; readonly departure: Departure }
  /** A worker was taken in, be it again: it has nothing of what it was lent before. */
  | { readonly type: 'worker-registered'; readonly worker: string }
  /** A worker does not do a task of data preparation that it was lent. */
  | {
      readonly type: 'task-failed';
      readonly worker: string;
      readonly lease: string;
      readonly reason: string;
    }
  /** A worker was taken in, be it again, has told everything that it had to tell, and still holds these trainers. */
  | { readonly type: 'worker-reported'; readonly worker: string; readonly held: readonly string[] }
  /** A worker wants to go, and with it these trainers. */
  | {
      readonly type: 'trainers-released';
      readonly trainers: readonly string[];
      readonly reason: string;
    }
  /** A worker made these durable while no coordinator was there. When the event is handled, it forgets them. */
  | { readonly type: 'checkpoints-kept'; readonly checkpoints: readonly KeptCheckpoint[] }
  /** A worker is given no trainers for a while; `what` tells why. */
  | { readonly type: 'worker-quarantined'; readonly worker: string; readonly what: string }
  /** Lines of the log of a job. */
  | { readonly type: 'log'; readonly job: string; readonly lines: readonly string[] }
  /** Slots have come or gone. */
  | { readonly type: 'slots-changed' };
