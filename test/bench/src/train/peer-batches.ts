import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Batch } from '@ringmaster/model';
import type { TrainBatches } from '@ringmaster/tasks';

/** An array of a batch in a file of int32: where it begins, and its extents. */
type Place = readonly [offset: number, ...shape: number[]];

/**
 * Batches for a side that does not read our data: of each step, of each microbatch, where its arrays are. `tokens` [B,T]
 * with their `lengths` [B]; of an encoder–decoder `source` [B,S]; and `targets`, [B,T] where tokens are predicted, -1
 * where nothing is asked, or the classes [B].
 */
export interface PeerBatches {
  readonly path: string;
  readonly steps: readonly (readonly Readonly<Record<string, Place>>[])[];
}

/** Writes the batches of the first steps into a directory. */
export async function writeBatches(
  directory: string,
  batches: TrainBatches,
  steps: number,
  microbatches: number,
): Promise<PeerBatches> {
  if (batches.stepsPerEpoch < steps)
    throw new Error(`the corpus has ${batches.stepsPerEpoch} steps, not ${steps}`);
  const parts: Int32Array[] = [];
  let offset = 0;
  const put = (values: Int32Array, ...shape: number[]): Place => {
    parts.push(values);
    offset += values.length;
    return [offset - values.length, ...shape];
  };
  const index = Array.from({ length: steps }, (_, step) =>
    Array.from({ length: microbatches }, (_, microbatch) => {
      const batch = batches.microbatch(step, microbatch)?.batch;
      if (batch === undefined) throw new Error(`step ${step} is short`);
      const { sequences, length, tokens, lengths, source } = batch;
      return {
        tokens: put(tokens, sequences, length),
        lengths: put(lengths, sequences),
        ...(source === undefined ? {} : { source: put(source.tokens, sequences, source.length) }),
        targets: put(...targetsIn(batch)),
      };
    }),
  );
  const path = join(directory, 'batches.int32');
  await writeFile(path, Buffer.concat(parts.map((part) => new Uint8Array(part.slice().buffer))));
  return { path, steps: index };
}

/** Targets and their extents. */
function targetsIn({
  sequences,
  length,
  tokens,
  targets,
}: Batch): [Int32Array, ...shape: number[]] {
  if (targets.kind === 'class') return [targets.ids, sequences];
  if (targets.kind === 'windows') throw new TypeError('no side trains word vectors');
  const { rows, ids } = targets;
  if (rows === null) return [ids, sequences, length];
  const dense = new Int32Array(tokens.length).fill(-1);
  rows.forEach((row, index) => {
    dense[row] = ids[index] ?? -1;
  });
  return [dense, sequences, length];
}
