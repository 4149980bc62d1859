import type { ColumnName } from '@ringmaster/protocol';
import type { SectionKind } from './section.js';

/** Bytes of a shard, wherever they are. */
export interface ShardSource {
  readonly size: number;
  /** Bytes from `start` on, which begin at a multiple of 8 in their memory where `start` is one. */
  read(start: number, length: number): Buffer;
}

/** Where a column of a shard lies. */
export interface SectionLayout {
  readonly name: ColumnName;
  readonly kind: SectionKind;
  /** Bytes of a value. */
  readonly width: number;
  /** Values in all. */
  readonly count: number;
  /** [D + 1]: document i has the values offsets[i] … offsets[i + 1]; null of a kind that has one of each. */
  readonly offsets: Uint32Array | null;
  /** Byte of the first value. */
  readonly start: number;
}

export interface ShardLayout {
  readonly documents: number;
  readonly sections: readonly SectionLayout[];
}
