import { onEndingSignal } from '@ringmaster/base';
import { RingmasterError } from '@ringmaster/protocol';

/**
 * A signal that Ctrl-C aborts, for verbs that have something to say or to clean up then; without it the process ends
 * at once, as any does.
 * @param what What the interruption means for what was under way.
 */
export function interruption(what: string): AbortSignal {
  const controller = new AbortController();
  onEndingSignal(() => {
    controller.abort(new RingmasterError('INTERRUPTED', { what }));
  });
  return controller.signal;
}
