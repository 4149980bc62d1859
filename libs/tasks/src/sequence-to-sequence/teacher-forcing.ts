import type { Batch } from '@ringmaster/model';
import { padSequences } from '../batches/pad.js';

interface TeacherForcing {
  /** The token that the decoder begins with. */
  readonly start: number;
  readonly pad: number;
  /** Longest sequence, in tokens. */
  readonly context: number;
}

/**
 * A batch of sources and of the targets to make of them, one for each: the decoder is given each target as it is to predict
 * it, one token behind (teacher forcing, Williams and Zipser, 1989).
 */
export function teacherForced(
  sources: readonly (readonly number[])[],
  targets: readonly (readonly number[])[],
  { start, pad, context }: TeacherForcing,
): Batch {
  const inputs = targets.map((target) => [start, ...target.slice(0, -1)]);
  const batch = padSequences(inputs, pad, context);
  const rows = targets.flatMap((target, sequence) =>
    target.map((_, at) => sequence * batch.length + at),
  );
  return {
    ...batch,
    source: padSequences(sources, pad, context),
    targets: {
      kind: 'tokens',
      rows: rows.length === batch.tokens.length ? null : Int32Array.from(rows),
      ids: Int32Array.from(targets.flat()),
    },
  };
}
