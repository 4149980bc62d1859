import { existsSync, readdirSync } from 'node:fs';
import { RingmasterError } from '@ringmaster/protocol';
import { provisioned } from '@ringmaster/tensorflow';
import { note } from '../output.js';

/**
 * Checks that this machine has graphics cards up to the one of this number, and a TensorFlow that computes on them.
 * @param device As it was asked for.
 * @throws MACHINE_UNFIT
 */
export function requireCards(last: number, device: string): void {
  const unfit = (reason: string) => {
    note(`device ${device}: ${reason}`);
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
