import type { Tensor } from '@ringmaster/tensorflow';
import { Block } from '../layers/block.js';
import { Embeddings } from '../layers/embeddings.js';
import { LayerNorm } from '../layers/layer-norm.js';
import type { Layer, ParameterSpec, Pass } from '../layers/layer.js';
import type { Stream } from '../layers/stream.js';
import type { Value } from '../layers/tape.js';
import type { ModelConfig } from './config.js';
import type { TransformerSettings } from './settings.js';

/**
 * Tokens to hidden states: embeddings, blocks, and a final norm where the blocks normalise first. From the last
 * attention on, only the rows that the head reads are computed: of a masked language model a sixth, of a classifier one
 * a sequence.
 */
export class Transformer implements Layer {
  readonly parameters: readonly ParameterSpec[];
  readonly #embeddings: Embeddings;
  readonly #blocks: readonly Block[];
  readonly #checkpoints: boolean;
  readonly #norm: LayerNorm | null;

  /** `recompute`: blocks keep nothing but their inputs for backward. */
  constructor(config: ModelConfig, settings: TransformerSettings, recompute: boolean) {
    const { hidden, layers } = config;
    const options = { ...config, ...settings };
    this.#checkpoints = recompute;
    this.#embeddings = new Embeddings({ ...options, norm: settings.embeddingNorm });
    this.#blocks = Array.from({ length: layers }, (_, i) => new Block(`blocks.${i}`, options));
    this.#norm =
      settings.norm === 'pre'
        ? new LayerNorm('final.norm', hidden, settings.epsilon, 'factor')
        : null;
    this.parameters = [
      ...this.#embeddings.parameters,
      ...this.#blocks.flatMap((block) => block.parameters),
      ...(this.#norm?.parameters ?? []),
    ];
  }

  /** tokens int32 [B·T], which stay the caller's → [K,H] at the rows to read, T where there is a final norm. */
  forward(pass: Pass, tokens: Tensor, stream: Stream): Value {
    let x = this.#embeddings.forward(pass, tokens, stream);
    for (const block of this.#blocks) {
      const rows = block === this.#blocks.at(-1) ? stream.read : null;
      x = this.#checkpoints
        ? pass.tape.checkpoint([x], (tape, input) =>
            block.forward({ ...pass, tape }, input, stream, rows),
          )
        : block.forward(pass, x, stream, rows);
    }
    return this.#norm?.forward(pass, x) ?? x;
  }
}
