import type { Command } from 'commander';
import { askAction } from '../ask.js';

export function define(verb: Command): void {
  askAction(verb, 'resume');
}
