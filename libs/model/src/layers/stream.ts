import type { Past } from './key-value-cache.js';
import type { Sequences } from './sequences.js';

/** Sequences of a pass, which has one stream of them or several: an encoder's and a decoder's are of different lengths. */
export interface Stream extends Sequences {
  /** Others that these attend to besides themselves: what an encoder has read, of a decoder. */
  readonly memory?: Sequences;
  /** What was read of the sequences before, of a network that generates; these tokens come after that. */
  readonly past?: Past;
}
