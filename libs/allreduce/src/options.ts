import type { PortRange } from '@ringmaster/protocol';
import type { SharedArena } from './memory/memory.js';
import type { SharedRegion } from './shared/region.js';

export interface RingOptions {
  readonly run: string;
  readonly generation: number;
  readonly rank: number;
  readonly size: number;
  /** The arena that the ranges of operations lie in; the ring takes one segment of it while it is open. */
  readonly arena: SharedArena;
  /**
   * A part of the arena that the rank after may map when it is on this host: what lies in it is not sent there, and the
   * sockets carry the messages alone.
   */
  readonly region?: SharedRegion | null;
  /** The address to listen at, default 127.0.0.1. */
  readonly host?: string;
  /** The ports that may be listened at, both included; any where it is left out. */
  readonly ports?: PortRange;
  /** Largest payload of a frame, a multiple of 4; the same at all ranks. */
  readonly segmentBytes?: number;
  /** Whether every frame is sealed under keys that only this generation's ranks have; the same at all ranks. */
  readonly seal?: boolean;
}

/** The default of `segmentBytes`: measured best, see docs/decisions/0002-ring-memory-and-segments.md. */
export const SEGMENT_BYTES = 1_048_576;

export interface Operation {
  readonly step: number;
  readonly attempt: number;
  /** What to sum, in place, the same lengths in the same order at all ranks; bytes and int32 elements. */
  readonly ranges: readonly { readonly offset: number; readonly length: number }[];
  /** Longest that this and later waits go without progress, where that is not what `connect` was told. */
  readonly deadlineMs?: number;
}

export interface RingReport {
  readonly seconds: number;
  /** Of these, the time with nothing to do but wait for the rank before. */
  readonly waitSeconds: number;
  /** When it was over, in milliseconds of `ringClock`. */
  readonly endedAt: number;
  /** Bytes of payloads, as they crossed. */
  readonly bytesSent: number;
  readonly framesSent: number;
  /** Frames of older generations or attempts that were ignored, and of a sealed ring those of strangers. */
  readonly framesDropped: number;
}

/** A rank that gives a range of its arena: its rank and its `Ring.donor`. */
export interface DonorSeat {
  readonly rank: number;
  readonly endpoint: string;
}

/** Where in the arena to put what donors give, in bytes. */
export interface FetchRange {
  readonly offset: number;
  readonly length: number;
  /** Longest time without any progress, the wait for a first offer included. */
  readonly deadlineMs: number;
}

export interface Fetched {
  /** What the donor put before its bytes. */
  readonly prefix: Uint8Array;
  /** SHA-256 (hex) of the prefix and the bytes, which has been checked. */
  readonly sha256: string;
  readonly seconds: number;
}

/** The options in the form that crosses to the ring's thread. */
export type ThreadOptions = Omit<Required<RingOptions>, 'arena' | 'region' | 'ports'> & {
  readonly ports: PortRange | undefined;
};
