import type { LedgerView } from '@ringmaster/protocol';
import { pairs, table } from './output.js';

/** Which samples a step consumes, by microbatch, and whether the workers have reported the same. */
export function describeLedger({
  step,
  epoch,
  microbatches,
  computed,
  reported,
}: LedgerView): string {
  const isSame = reported?.samples === computed.samples && reported.digest === computed.digest;
  const seen = `${reported?.samples ?? 0} samples, digest ${reported?.digest ?? 0}`;
  return [
    pairs([
      ['step', step],
      ['epoch', epoch],
      ['samples', computed.samples],
      ['digest', computed.digest],
      ['reported', reported === null ? 'not yet' : isSame ? 'the same' : `otherwise: ${seen}`],
    ]),
    '',
    table(
      ['MICROBATCH', 'SAMPLES'],
      microbatches.map((samples, index) => [index, samples.join(' ')]),
    ),
  ].join('\n');
}
