import type { SharedMemory } from '@ringmaster/base/memory';
import type { ErrorBody } from '@ringmaster/protocol';
import type { DonorSeat, FetchRange, Operation, ThreadOptions } from '../options.js';
import type { Outlet } from '../shared/region.js';
import type { Inlet } from '../shared/window.js';
import type { Offer } from '../transfer/donor.js';

/** What the main thread asks of the ring thread. `ring` identifies a ring in this process. */
export type Request =
  | {
      readonly kind: 'bind';
      readonly ring: number;
      readonly options: ThreadOptions;
      readonly memory: SharedMemory;
      /** Byte offset of room for one segment in `memory`. */
      readonly staging: number;
      /** Where the rank after may read what is sent; null where it cannot. */
      readonly outlet: Outlet | null;
      /** Memory of the ring's `StandingBoard`. */
      readonly board: SharedArrayBuffer;
      /** One int32 that counts offers and withdrawals. */
      readonly epoch: Int32Array<SharedArrayBuffer>;
    }
  | {
      readonly kind: 'connect';
      readonly ring: number;
      /** Where the rank after listens. */
      readonly address: string;
      /** Of all ranks, by rank; empty where nothing is sealed. */
      readonly publicKeys: readonly string[];
      /** Where what the rank before sends can be read; null where it cannot. */
      readonly inlet: Inlet | null;
      readonly deadlineMs: number;
    }
  | { readonly kind: 'allReduce'; readonly ring: number; readonly operation: Operation }
  | {
      readonly kind: 'fetch';
      readonly ring: number;
      readonly donors: readonly DonorSeat[];
      readonly range: FetchRange;
    }
  | { readonly kind: 'close'; readonly ring: number; readonly abandon: boolean };

/** The answer to `bind`. */
export interface Bound {
  /** Where the rank before connects to. */
  readonly address: string;
  /** Null where nothing is sealed. */
  readonly publicKey: string | null;
  readonly donor: string;
}

/** Told without an answer: what may be given from now on. */
export interface Offering {
  readonly kind: 'offer';
  readonly ring: number;
  readonly offer: Offer;
}

/** Announces the end of the process; `done[0]` becomes 1 when every socket is closed. */
export interface Exit {
  readonly kind: 'exit';
  readonly done: Int32Array<SharedArrayBuffer>;
}

/** A request with the number that its answer carries. */
export interface Numbered {
  readonly kind: 'request';
  readonly id: number;
  readonly request: Request;
}

export type Answer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly failure: Pick<ErrorBody, 'code' | 'detail'> }
  | { readonly id: number; readonly defect: Error };
