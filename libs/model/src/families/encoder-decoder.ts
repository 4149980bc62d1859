import type { Layer, Pass } from '../layers/layer.js';
import type { Stream } from '../layers/stream.js';
import type { Value } from '../layers/tape.js';
import type { TokenEmbeddings } from '../layers/token-embeddings.js';
import type { Network, Source } from './family.js';

/** An encoder or a decoder. */
export interface PairedStack extends Layer {
  /** Embeddings of tokens x [B·T,H] → T[K,H] at the rows that are read; `memory` is what the encoder has made, or null. */
  forward(pass: Pass, x: Value, stream: Stream, memory: Value | null): Value;
}

/** An encoder and a decoder that share the embeddings of tokens. */
export function encoderDecoder(
  embeddings: TokenEmbeddings,
  encoder: PairedStack,
  decoder: PairedStack,
): Network {
  const encode = (pass: Pass, { tokens, ...sequences }: Source) => {
    const stream: Stream = { ...sequences, causal: false, read: null };
    const embedded = embeddings.forward(pass, tokens);
    return { stream, x: encoder.forward(pass, embedded, stream, null) };
  };
  return {
    parameters: [embeddings, encoder, decoder].flatMap((part) => part.parameters),
    forward(pass, tokens, { source, ...sequences }) {
      const encoded = source === undefined ? null : encode(pass, source);
      const memory = encoded?.stream ?? sequences.past?.cache.memory;
      if (memory === undefined || memory === null)
        throw new Error('An encoder–decoder is given no source');
      const stream: Stream = { ...sequences, causal: true, memory };
      const embedded = embeddings.forward(pass, tokens);
      return decoder.forward(pass, embedded, stream, encoded?.x ?? null);
    },
  };
}
