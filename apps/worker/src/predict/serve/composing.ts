import { setImmediate as turn } from 'node:timers/promises';
import type { Beginning, Generated } from '@ringmaster/tasks';
import type { TextModel } from '../text-model.js';
import { writtenSoFar } from '../written.js';
import type { Asked } from './requests.js';

/**
 * Generates a text, a step each time around the event loop, so that others are generated, heard and ended in between.
 * Texts are not computed in one batch: products of another shape may round otherwise, and a text would depend on who asks
 * at the same time.
 * @yields what of the text is new and will not change
 * @returns the whole
 */
export async function* composing(
  model: Pick<TextModel, 'steps' | 'decode'>,
  beginning: Beginning,
  options: Asked['options'],
  signal: AbortSignal,
): AsyncGenerator<string, { readonly generated: Generated; readonly rest: string }> {
  const steps = model.steps(beginning, options);
  try {
    let written = 0;
    for (;;) {
      await turn();
      signal.throwIfAborted();
      const step = steps.next();
      if (step.done === true) {
        const [generated] = step.value;
        if (generated === undefined) throw new Error('a text was begun and none was generated');
        return { generated, rest: generated.text.slice(written) };
      }
      const [tokens = []] = step.value;
      const shown = writtenSoFar(model.decode(tokens), options.stop);
      if (shown.length <= written) continue;
      const text = shown.slice(written);
      written = shown.length;
      yield text;
    }
  } finally {
    steps.return([]);
  }
}
