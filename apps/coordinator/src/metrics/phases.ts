import type { Phases, Recovery } from '@ringmaster/protocol';

/** Phases of a step as the label `phase` has them. */
export const phaseLabels: Readonly<Record<keyof Phases, string>> = {
  compute: 'compute',
  quantise: 'quantise',
  send: 'send',
  wait: 'wait',
  update: 'update',
};

/** Phases of a recovery, likewise. */
export const recoveryLabels: Readonly<Record<keyof Recovery, string>> = {
  detect: 'detect',
  abort: 'abort',
  form: 'form',
  transfer: 'transfer',
  firstStep: 'first_step',
};
