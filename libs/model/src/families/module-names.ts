/** Where a module of a network is: in a block or not, and its name without the number of that. */
export interface Place {
  /** Number of the block; null outside of blocks. */
  readonly block: string | null;
  readonly module: string;
}

/** `blocks.3.attention.query` is `attention.query` of block 3, `decoder.blocks.0.attention.query` `decoder.attention.query`. */
export function placeOf(name: string): Place {
  const {
    stack = '',
    block,
    module = '',
  } = /^(?<stack>(?:\w+\.)?)blocks\.(?<block>\d+)\.(?<module>.+)$/.exec(name)?.groups ?? {};
  return block === undefined ? { block: null, module: name } : { block, module: stack + module };
}
