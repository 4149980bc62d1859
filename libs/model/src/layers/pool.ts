import type { Tokens } from '../batch.js';
import type { Layer, Pass } from './layer.js';
import type { Value } from './tape.js';

/** Makes one vector of all tokens of a sequence; padding has no effect. */
export interface Pool extends Layer {
  /** x [B·T,F] → [B,F], both float32. */
  forward(pass: Pass, x: Value, tokens: Tokens): Value;
}
