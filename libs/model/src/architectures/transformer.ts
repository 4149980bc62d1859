import type { Tensor } from '../engine/tensor.js';
import { Block } from '../layers/block.js';
import { Embeddings } from '../layers/embeddings.js';
import { LayerNorm } from '../layers/layer-norm.js';
import type { Emit, Layer, ParameterSpec, Pass } from '../layers/layer.js';
import { Recomputed } from '../layers/recomputed.js';
import type { ModelConfig } from './config.js';
import type { TransformerSettings } from './settings.js';

/**
 * Tokens to hidden states: embeddings, blocks, and a final norm where the blocks normalise first. From the last
 * attention on, only the rows that the head reads are computed: of a masked language model a sixth, of a classifier one
 * a sequence.
 */
export class Transformer {
  readonly parameters: readonly ParameterSpec[];
  readonly #embeddings: Embeddings;
  readonly #blocks: readonly Layer<unknown>[];
  readonly #norm: LayerNorm | null;

  /** `recompute`: blocks keep nothing but their inputs for backward. */
  constructor(config: ModelConfig, settings: TransformerSettings, recompute: boolean) {
    const { hidden, layers } = config;
    const options = { ...config, ...settings };
    this.#embeddings = new Embeddings({ ...options, norm: settings.embeddingNorm });
    this.#blocks = Array.from({ length: layers }, (_, i) => {
      const rows = i + 1 === layers ? 'read' : 'all';
      const block = new Block(`blocks.${i}`, { ...options, rows });
      return recompute ? new Recomputed(block) : block;
    });
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

  /** tokens int32 [B·T] → [K,H] at the rows to read, T where there is a final norm, with what backward needs. */
  forward(pass: Pass, tokens: Tensor) {
    const embeddings = this.#embeddings.forward(pass, tokens);
    let x = embeddings.output;
    const blocks = this.#blocks.map((block) => {
      const { output, saved } = block.forward(pass, x);
      x = output;
      return saved;
    });
    if (this.#norm === null)
      return { output: x, saved: { embeddings: embeddings.saved, blocks, norm: null } };
    const { output, saved: norm } = this.#norm.forward(pass, x);
    return { output, saved: { embeddings: embeddings.saved, blocks, norm } };
  }

  /** The same, keeping nothing. */
  infer(pass: Pass, tokens: Tensor): Tensor {
    const { runtime } = pass.ops;
    return runtime.scope(() => {
      let x = this.#embeddings.forward(pass, tokens).output;
      for (const block of this.#blocks) {
        const input = x;
        x = runtime.scope(() => block.forward(pass, input).output);
      }
      return this.#norm === null ? x : this.#norm.forward(pass, x).output;
    });
  }

  /** Takes ownership of dy; `tied` is the decoder's share of the token embeddings' gradient. */
  backward(
    pass: Pass,
    dy: Tensor,
    saved: ReturnType<Transformer['forward']>['saved'],
    tied: Tensor | null,
    emit: Emit,
  ): void {
    const { runtime } = pass.ops;
    let d = dy;
    if (this.#norm !== null && saved.norm !== null) {
      d = this.#norm.backward(pass, dy, saved.norm, null, emit);
      runtime.free(dy, saved.norm);
    }
    for (const [index, blockSaved] of [...saved.blocks.entries()].reverse())
      d = at(this.#blocks, index).backward(pass, d, blockSaved, emit);
    this.#embeddings.backward(pass, d, saved.embeddings, tied, emit);
  }
}

function at<Item>(items: readonly Item[], index: number): Item {
  const item = items[index];
  if (item === undefined) throw new Error(`There is no item ${index} of ${items.length}`);
  return item;
}
