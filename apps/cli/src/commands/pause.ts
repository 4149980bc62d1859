import type { Command } from 'commander';
import { askAction } from '../ask.js';

export function define(verb: Command): void {
  askAction(verb, 'pause').addHelpText(
    'after',
    '\nIt ends with the same bytes as if it had never been paused.',
  );
}
