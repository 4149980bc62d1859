import type { OptimizerSection } from '@ringmaster/protocol';
import { adafactor } from './adafactor.js';
import { adam } from './adam.js';
import { adamW } from './adamw.js';
import type { Algorithm } from './algorithm.js';
import { lion } from './lion.js';
import { muon } from './muon.js';
import { sgd } from './sgd.js';

/** The algorithm that a job file's `optimizer` names, with its settings. */
export function algorithmOf(settings: OptimizerSection): Algorithm {
  switch (settings.algorithm) {
    case 'adamw':
      return adamW(settings);
    case 'adam':
      return adam(settings);
    case 'sgd':
      return sgd(settings);
    case 'lion':
      return lion(settings);
    case 'adafactor':
      return adafactor(settings);
    case 'muon':
      return muon(settings);
  }
}
