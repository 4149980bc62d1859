/** Sequences of tokens, padded to one length. */
export interface Tokens {
  /** B, at least 1. */
  readonly sequences: number;
  /** T, at most the model's context. */
  readonly length: number;
  /** Token ids [B·T]. */
  readonly tokens: Int32Array;
  /** Real length of each sequence [B], at least 1; the rest of it is padding, whose content has no effect. */
  readonly lengths: Int32Array;
}

/** What a model reads. The tokens of an encoder–decoder are those of its decoder. */
export interface Inputs extends Tokens {
  /** What the encoder of an encoder–decoder reads: as many sequences, each of its own length. */
  readonly source?: Tokens;
}

/** What a model is to predict of a batch, by kind; each head reads one kind. Rows are flat indices b·T + t. */
export type Targets =
  /** Tokens: an id at each of the rows [K], ascending; `rows` is null where these are all of them. */
  | { readonly kind: 'tokens'; readonly rows: Int32Array | null; readonly ids: Int32Array }
  /** Classification of sequences: the class of each [B]. */
  | { readonly kind: 'class'; readonly ids: Int32Array }
  /** Classification of tokens: the class of each of the rows [K], ascending. */
  | { readonly kind: 'tags'; readonly rows: Int32Array; readonly ids: Int32Array }
  /**
   * Words told from others by those around them: rows [K] that are read, ascending; of each the first of its window among
   * them and its end [K,2]; and its own word and the others [K,S], -1 for none.
   */
  | {
      readonly kind: 'windows';
      readonly rows: Int32Array;
      readonly windows: Int32Array;
      readonly samples: Int32Array;
    };

export type TargetKind = Targets['kind'];
export type TargetsOf<Kind extends TargetKind> = Extract<Targets, { readonly kind: Kind }>;

/** One microbatch: what a model computes a loss on. */
export interface Batch extends Inputs {
  readonly targets: Targets;
}

/** The targets of a batch, which must be of the kind that a head reads. */
export function targetsOf<Kind extends TargetKind>(
  { targets }: Batch,
  kind: Kind,
): TargetsOf<Kind> {
  if (targets.kind !== kind)
    throw new TypeError(`the head reads targets of kind ${kind}, and these are ${targets.kind}`);
  return targets as TargetsOf<Kind>;
}
