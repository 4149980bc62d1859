import type { ModelSection } from '@ringmaster/protocol';
import type { z } from 'zod';
import type { Tensor } from '@ringmaster/tensorflow';
import type { Head, HeadKind } from '../heads/head.js';
import type { Layer, Pass } from '../layers/layer.js';
import type { LinearFactory } from '../layers/linear.js';
import type { StackOptions } from '../layers/stack.js';
import type { Stream } from '../layers/stream.js';
import type { Value } from '../layers/tape.js';
import type { Shape } from './shape.js';

/** A family of models: all that is known of it. What is said of parameters goes by their names in the network. */
export interface Family<Of extends Shape, Section extends ModelSection> {
  /** Name in job files. */
  readonly architecture: Of['architecture'];
  readonly shape: z.ZodType<Of>;
  /** The shape of the model that a job file describes. */
  shapeOf(section: Section, tokenizer: TokenizerOf): Of;
  network(shape: Of, options: NetworkOptions): Network;
  /** The heads that it may have, each with the class that has it. */
  readonly heads: Readonly<Partial<Record<HeadKind, FamilyHead<Of>>>>;
  /** How words and windows are drawn of a text, for a family that learns from those. */
  windows?(shape: Of): WindowSampling;
  readonly huggingFace: HuggingFaceLayout<Of>;
}

/** How words and their windows are drawn: keys of the `model` section of job files. */
export interface WindowSampling {
  /** Most words on each side of a window. */
  readonly window: number;
  /** Words that are drawn beside each word. */
  readonly negatives: number;
  /** Frequency from which on words are left out at random; 0 for never. */
  readonly subsample: number;
}

/** Ids of special tokens, where the tokenizer has them. */
export interface TokenIds {
  readonly padding: number | null;
  readonly begin: number | null;
  /** One, or any of several, as chat models have them. */
  readonly end: number | readonly number[] | null;
}

/** The `model` section of job files of one family. */
export type SectionOf<Name> = Extract<ModelSection, { architecture: Name }>;

/** What of a tokenizer decides the shape of a model. */
export interface TokenizerOf {
  /** Number of its token ids. */
  readonly vocabulary: number;
  /** The token that pads; null for none. */
  readonly pad: number | null;
}

export interface NetworkOptions extends StackOptions {
  /** Makes every linear layer. */
  readonly linear: LinearFactory;
}

/** Tokens to hidden states. */
export interface Network extends Layer {
  /** tokens int32 [B·T], which stay the caller's → [K,H] at the rows that are read, of the type that the heads take. */
  forward(pass: Pass, tokens: Tensor, sequences: Sequences): Value;
}

/** The sequences of a microbatch; whether they are causal is the network's to say. */
export interface Sequences extends Omit<Stream, 'causal'> {
  /**
   * What the encoder of an encoder–decoder reads; the tokens and the other fields are then of its decoder. Not there where
   * the past keeps what came of it.
   */
  readonly source?: Source;
}

/** Sequences that an encoder reads for a decoder. */
export interface Source extends Omit<Stream, 'causal' | 'read' | 'past'> {
  /** int32 [B·S], which stay the caller's. */
  readonly tokens: Tensor;
}

export interface HeadOptions {
  /** Makes every linear layer. */
  readonly linear: LinearFactory;
  /** Number of labels of a head that has labels; 0 for the others. */
  readonly labels: number;
}

export interface FamilyHead<Of extends Shape> {
  /** Class of `transformers`, or of our own layout, as `config.json` names it. */
  readonly className: string;
  make(shape: Of, options: HeadOptions): Head;
}

/**
 * How a family looks in the layout of Hugging Face: `config.json`, safetensors and the files of the tokenizer. A family that
 * `transformers` does not know has a layout of our own, which differs in names alone.
 */
export interface HuggingFaceLayout<Of extends Shape> {
  /** `model_type` in `config.json`; those of our own begin with `ringmaster-`. */
  readonly modelType: string;
  /** There where `transformers` does not know the family, and cannot load what is written. */
  readonly isOwn?: true;
  /** Classes that are read beside those of the heads; null for one without a head. */
  readonly otherClasses: Readonly<Record<string, HeadKind | null>>;
  /** A `config.json`, and the shape that it says; what is not supported is refused by its key. */
  readonly config: z.ZodType<Of>;
  /** The keys of `config.json` that say a shape, and what its classes do with special tokens. */
  format(
    shape: Of,
    tokens: TokenIds,
  ): Readonly<Record<string, unknown>> & { readonly model_type: string };
  /** The `pad_token_id` that a shape needs, where positions depend on it. */
  padding?(shape: Of): number;
  /** What its classes read of a tokenizer's output beside `input_ids` and `attention_mask`. */
  readonly inputs: readonly string[];
  /** Names of the tensors of every model of the family, or of one of a shape. */
  readonly tensors: TensorNames | TensorNamesByShape<Of>;
}

/** Names of tensors in checkpoints, where they depend on the shape of a model. */
export interface TensorNamesByShape<Of extends Shape> {
  of(shape: Of): TensorNames;
}

/** Names of tensors in checkpoints. */
export interface TensorNames {
  /** Prefix of everything but the head; checkpoints of a class without a head lack it. */
  readonly prefix: string;
  /**
   * Module of the network, without the number of its block → module of a class with a head; `#` is that number. Several
   * are the parts of one module whose rows are stacked.
   */
  readonly modules: Readonly<Record<string, string | readonly string[]>>;
  /** Whether checkpoints hold the matrices of blocks as [in, out], where the network has [out, in]. */
  readonly transposed: boolean;
  /** Vectors that checkpoints hold as matrices of one row: our parameter → the name of its tensor. */
  readonly rows?: Readonly<Record<string, string>>;
  /** Names of tensors that hold the same in checkpoints that lack the one of the name above, by that name. */
  readonly copies?: Readonly<Record<string, readonly string[]>>;
}
