import { faultOf, type TrainerMessage } from '@ringmaster/protocol';
import { recordFailure, type Context } from '../commands.js';
import { rankIn } from '../generation.js';
import type { Run, Trainer } from '../run.js';
import { breakRing, end } from './breaking.js';

/** How often a run has its artifacts made whole without a step in between, before somebody else is thought at fault. */
const REPAIRS_TO_DOUBT = 3;

/**
 * What a trainer's failure makes of a run when something stored was missing or damaged: neither the machine nor the job
 * is at fault. The trainer is ended, and what was prepared is looked through and made whole before others are launched.
 * @returns Null for any other failure, and when what is whole keeps being called damaged.
 */
export function withRepair(
  run: Run,
  trainer: Trainer,
  { error, step }: Extract<TrainerMessage, { type: 'failed' }>,
  context: Context,
): Run | null {
  if (faultOf(error.code) !== 'artifact' || run.repairs >= REPAIRS_TO_DOUBT) return null;
  const inRing = rankIn(run.ring, trainer.id) >= 0;
  recordFailure(run, trainer, `met what is damaged: ${error.message}`, context, {
    step: Math.max(run.step, step),
    remarks: ['What was prepared is looked through, and prepared again where it must be.'],
    broke: inRing ? { heard: run.observed.heard, known: context.now } : null,
  });
  context.commands.push({ type: 'repair' });
  const counted = { ...run, repairs: run.repairs + 1 };
  return end(inRing ? breakRing(counted, context) : counted, trainer.id, context);
}
