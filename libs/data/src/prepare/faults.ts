import { RingmasterError } from '@ringmaster/protocol';
import { z } from 'zod';
import type { ColumnFault } from '../document.js';

/** The first fault of a column, and how many documents have one there. */
export interface CountedFault {
  readonly first: ColumnFault;
  readonly documents: number;
}

const fault = { path: z.string(), line: z.int(), column: z.string() };

export const countedFaultSchema = z.strictObject({
  first: z.discriminatedUnion('kind', [
    z.strictObject({ ...fault, kind: z.literal('missing'), columns: z.string() }),
    z.strictObject({ ...fault, kind: z.literal('invalid'), reason: z.string() }),
  ]),
  documents: z.int().min(1),
}) satisfies z.ZodType<CountedFault>;

/** Counts the documents whose columns are at fault, and names the first of them. */
export class ColumnFaults {
  readonly #columns = new Map<string, CountedFault>();

  add(faults: readonly ColumnFault[]): void {
    this.addCounted(faults.map((first) => ({ first, documents: 1 })));
  }

  /** Adds what was counted over documents that come after those so far. */
  addCounted(counted: readonly CountedFault[]): void {
    for (const { first, documents } of counted) {
      const { column } = first;
      const known = this.#columns.get(column);
      this.#columns.set(column, {
        first: known?.first ?? first,
        documents: (known?.documents ?? 0) + documents,
      });
    }
  }

  counted(): CountedFault[] {
    return [...this.#columns.values()];
  }

  /** @throws DATA_COLUMN_MISSING, DATA_COLUMN_INVALID for the first fault of all, if there was one */
  judge(): void {
    for (const { first, documents } of this.#columns.values()) {
      const { path, line, column } = first;
      if (first.kind === 'missing') {
        const { columns } = first;
        const detail = { path, line, column, columns, documents };
        throw new RingmasterError('DATA_COLUMN_MISSING', detail);
      }
      const { reason } = first;
      throw new RingmasterError('DATA_COLUMN_INVALID', { path, line, column, reason, documents });
    }
  }
}
