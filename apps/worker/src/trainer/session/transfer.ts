import type { Ring } from '@ringmaster/allreduce';
import type { Run } from '../run/run.js';

/** Bytes of the header's length, before the header. */
const LENGTH_BYTES = 4;

/**
 * Lets other ranks of a ring's generation take the state over. It must not change before the offer is withdrawn. What
 * they get, a prefix and the bytes, has the state hash as its SHA-256.
 */
export function offerState(run: Run, ring: Ring): void {
  const header = Buffer.from(run.state.header());
  const prefix = Buffer.alloc(LENGTH_BYTES + header.length);
  prefix.writeUInt32LE(header.length);
  header.copy(prefix, LENGTH_BYTES);
  ring.offer({ prefix, ...rangeOf(run) });
}

/**
 * Takes the state over from ranks that hold it, once they offer it.
 * @throws STATE_TRANSFER_FAILED, RING_CLOSED; the run then has no state
 */
export async function fetchState(
  run: Run,
  ring: Ring,
  donors: readonly { readonly rank: number; readonly endpoint: string }[],
  deadlineMs: number,
): Promise<void> {
  run.forget();
  const { prefix } = await ring.fetch(donors, { ...rangeOf(run), deadlineMs });
  run.replace(() => {
    run.state.readHeader(Buffer.from(prefix).toString('utf8', LENGTH_BYTES));
  });
}

/** Where the state lies in the shared memory. */
function rangeOf({ state }: Run): { offset: number; length: number } {
  return { offset: state.range.byteOffset, length: state.range.byteLength };
}
