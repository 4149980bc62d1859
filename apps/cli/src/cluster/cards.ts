import { cardBehind, type WorkerOptions } from '../worker-options.js';

/**
 * Checks that this machine has the graphics cards that workers are to compute on, and a TensorFlow that can.
 * @throws MACHINE_UNFIT
 */
export async function checkCards(options: WorkerOptions, workers: number): Promise<void> {
  const last = cardBehind(options.device, workers * options.slots - 1);
  if (last === null) return;
  // Loaded here: few have cards.
  const { requireCards } = await import('./required-cards.js');
  requireCards(last, options.device);
}
