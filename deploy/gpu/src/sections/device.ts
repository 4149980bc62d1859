import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compute } from '../compute.js';
import { differenceOf } from '../difference.js';
import { ClaimFailed, code, table, type Section } from '../section.js';

const SIZE = 1024;
/** Float32 sums of 1,024 products in another order differ by some 1e-7; TF32 would differ by 1e-3. */
const LIMIT = 2e-6;

/** TensorFlow finds the card, multiplies as the processor does, and uses no TF32. */
export const device: Section = {
  name: 'device',
  title: 'Device and matrix products',
  limit: 90,
  async run(context) {
    const [onCard, onHost] = ['card', 'host'].map((name) =>
      join(context.directory, `${name}.f32`),
    ) as [string, string];
    const card = await compute(
      { task: 'matmul', size: SIZE, rateSize: 8192, path: onCard },
      { kind: 'gpu', index: context.card },
      context,
      { TF_CPP_MIN_LOG_LEVEL: '0' },
    );
    const said = card.log
      .split('\n')
      .filter((line) => !line.includes('rebuild TensorFlow'))
      .slice(0, 40)
      .join('\n');
    const libraries = Object.entries(card.answer.libraries).map(([name, bytes]) => [
      name,
      (bytes / 2 ** 20).toFixed(0),
    ]);
    const found = [
      `A process that computes took ${card.seconds.toFixed(1)} s from start to end.`,
      'TensorFlow says:',
      code(said),
      'Libraries that the process has mapped, in MiB:',
      table(['library', 'MiB'], libraries),
    ];
    await compute(
      { task: 'matmul', size: SIZE, rateSize: 0, path: onHost },
      { kind: 'cpu' },
      context,
    );
    const difference = differenceOf(readFileSync(onCard), readFileSync(onHost));
    const { float32 = 0, bfloat16 = 0 } = card.answer.teraflops ?? {};
    found.push(
      table(
        ['what', 'figure'],
        [
          [
            `product of ${SIZE} × ${SIZE}, largest difference from the processor's over its largest element`,
            difference.toExponential(2),
          ],
          ['8,192 × 8,192 float32 (without TF32)', `${float32.toFixed(1)} TFLOP/s`],
          ['8,192 × 8,192 bfloat16', `${bfloat16.toFixed(1)} TFLOP/s`],
        ],
      ),
    );
    if (!(difference < LIMIT)) throw new ClaimFailed(`products differ by ${difference}`, found);
    return found;
  },
};
