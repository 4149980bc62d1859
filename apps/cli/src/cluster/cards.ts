import { existsSync, readdirSync } from 'node:fs';
import { RingmasterError } from '@ringmaster/protocol';
import { note } from '../output.js';
import { cardBehind, type WorkerOptions } from '../worker-options.js';

/**
 * Checks that this machine has the graphics cards that workers are to compute on, and a TensorFlow that can.
 * @throws MACHINE_UNFIT
 */
export async function checkCards(options: WorkerOptions, workers: number): Promise<void> {
  const last = cardBehind(options.device, workers * options.slots - 1);
  if (last === null) return;
  // Loaded here: few have cards.
  const { provisioned } = await import('@ringmaster/tensorflow');
  const unfit = (reason: string) => {
    note(`device ${options.device}: ${reason}`);
    return new RingmasterError('MACHINE_UNFIT', { checks: 'graphics cards' });
  };
  const found = provisioned();
  if (found.ready && found.variant !== 'gpu')
    throw unfit('TensorFlow is here for processors only\n  Run: npm run provision -- --gpu');
  const cards = readdirSync('/dev').filter((name) => /^nvidia\d+$/.test(name)).length;
  // WSL has one device for all of its cards.
  if (cards > last || existsSync('/dev/dxg')) return;
  throw unfit(`${last + 1} cards are wanted, and ${cards} are in /dev\n  Is their driver loaded?`);
}
