import { RingmasterError } from '@ringmaster/protocol';
import type { ColumnFault } from '../document.js';

/** Counts the documents whose columns are at fault, and names the first of them. */
export class ColumnFaults {
  /** The first fault of each column, and how many documents have one there. */
  readonly #columns = new Map<string, { readonly first: ColumnFault; documents: number }>();

  add(faults: readonly ColumnFault[]): void {
    for (const fault of faults) {
      const known = this.#columns.get(fault.column);
      if (known === undefined) this.#columns.set(fault.column, { first: fault, documents: 1 });
      else known.documents++;
    }
  }

  /** @throws DATA_COLUMN_MISSING, DATA_COLUMN_INVALID for the first fault of all, if there was one */
  judge(): void {
    for (const { first, documents } of this.#columns.values()) {
      const { path, line, column } = first;
      if (first.kind === 'missing') {
        const { columns } = first;
        throw new RingmasterError('DATA_COLUMN_MISSING', {
          path,
          line,
          column,
          columns,
          documents,
        });
      }
      const { reason } = first;
      throw new RingmasterError('DATA_COLUMN_INVALID', { path, line, column, reason, documents });
    }
  }
}
