import { join } from 'node:path';
import { compute } from '../compute.js';
import { table, type Context, type Section } from '../section.js';

const EXECUTING = /Executing op (\w+) .*device (\S+)/;

/** Where each operation of a microbatch runs: what has no kernel for the card falls back to the host, with copies. */
export const placement: Section = {
  name: 'placement',
  title: 'Where operations run',
  limit: 60,
  async run(context) {
    return [
      'Executions of two microbatches, as TensorFlow tells them. The host has what needs no card (shapes, indices), and what has no kernel for it.',
      ...(await one(context, 'gpt', 'float32', 0)),
      ...(await one(context, 'bert', 'bfloat16', 0.1)),
    ];
  },
};

async function one(
  context: Context,
  architecture: 'bert' | 'gpt',
  precision: 'float32' | 'bfloat16',
  dropout: number,
): Promise<string[]> {
  const path = join(context.directory, 'placement.f32');
  const { log } = await compute(
    { task: 'gradients', architecture, precision, dropout, path },
    { kind: 'gpu', index: context.card },
    context,
    { TF_CPP_MIN_LOG_LEVEL: '0', TF_CPP_VMODULE: 'execute=1' },
  );
  const counts = new Map<string, { card: number; host: number }>();
  for (const line of log.split('\n')) {
    const match = EXECUTING.exec(line);
    if (match === null) continue;
    const [, operation = '', where = ''] = match;
    const count = counts.get(operation) ?? { card: 0, host: 0 };
    count[where.includes('GPU') ? 'card' : 'host']++;
    counts.set(operation, count);
  }
  const rows = [...counts]
    .sort(([, one], [, other]) => other.host - one.host || other.card - one.card)
    .map(([name, { card, host }]) => [name, String(host), String(card)]);
  return [
    `${architecture} ${precision}, dropout ${dropout}:`,
    table(['operation', 'on the host', 'on the card'], rows),
  ];
}
