import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compute, type ComputeTask } from '../compute.js';
import { differenceOf } from '../difference.js';
import { ClaimFailed, table, type Context, type Section } from '../section.js';

type Gradients = Omit<Extract<ComputeTask, { task: 'gradients' }>, 'path'>;

const CASES: readonly Gradients[] = (['gpt', 'bert'] as const).flatMap((architecture) =>
  (['float32', 'bfloat16'] as const).map((precision) => ({
    task: 'gradients' as const,
    architecture,
    precision,
    dropout: 0,
  })),
);
const LIMITS = { float32: 1e-4, bfloat16: 0.1 };

/** A microbatch's loss and gradients on the card are the processor's, and the same bits when computed again. */
export const gradients: Section = {
  name: 'gradients',
  title: 'Loss and gradients of a microbatch',
  limit: 200,
  async run(context) {
    const rows: string[][] = [];
    const wrong: string[] = [];
    for (const chosen of CASES) {
      const { card, host, difference, tensor } = await compare(chosen, context);
      const name = `${chosen.architecture} ${chosen.precision}`;
      const loss = Math.abs((card.lossSum ?? NaN) - (host.lossSum ?? NaN)) / (host.lossSum ?? NaN);
      rows.push([
        name,
        loss.toExponential(1),
        difference.toExponential(1),
        tensor,
        card.repeats === true ? 'yes' : 'NO',
      ]);
      if (!(loss < LIMITS[chosen.precision] && difference < LIMITS[chosen.precision]))
        wrong.push(`${name} differs by ${difference.toExponential(1)} in ${tensor}`);
      if (card.repeats !== true) wrong.push(`${name} has other bits when computed again`);
    }
    for (const precision of ['float32', 'bfloat16'] as const) {
      const chosen = { task: 'gradients', architecture: 'bert', precision, dropout: 0.1 } as const;
      const { answer } = await onCard(chosen, context);
      rows.push([`bert ${precision}, dropout`, '', '', '', answer.repeats === true ? 'yes' : 'NO']);
      if (answer.repeats !== true)
        wrong.push(`dropout ${precision} has other bits when computed again`);
    }
    const found = [
      'Largest difference of a tensor over its largest element, beside the processor; with dropout, whose bits are drawn otherwise on a card, only the repetition.',
      table(['case', 'loss', 'gradients', 'in tensor', 'same bits again'], rows),
    ];
    if (wrong.length > 0) throw new ClaimFailed(wrong.join('; '), found);
    return found;
  },
};

function pathOf(context: Context, { architecture, precision }: Gradients, where: string): string {
  return join(context.directory, `${architecture}-${precision}-${where}.f32`);
}

function onCard(chosen: Gradients, context: Context) {
  const path = pathOf(context, chosen, 'card');
  return compute({ ...chosen, path }, { kind: 'gpu', index: context.card }, context);
}

async function compare(chosen: Gradients, context: Context) {
  const { answer: card } = await onCard(chosen, context);
  const path = pathOf(context, chosen, 'host');
  const { answer: host } = await compute({ ...chosen, path }, { kind: 'cpu' }, context);
  const [ours, theirs] = [readFileSync(pathOf(context, chosen, 'card')), readFileSync(path)];
  let [at, difference, tensor] = [0, 0, ''];
  for (const { name, size } of card.tensors ?? []) {
    const [from, to] = [4 * at, 4 * (at + size)];
    const found = differenceOf(ours.subarray(from, to), theirs.subarray(from, to));
    if (Number.isNaN(found)) return { card, host, difference: found, tensor: name };
    if (found > difference) [difference, tensor] = [found, name];
    at += size;
  }
  return { card, host, difference, tensor };
}
