import type { Ops } from '../runtime/ops.js';

import { composedAddLeading, nativeAddLeading } from './add-leading.js';
import type { Parts } from './attention-products.js';
import { composedTile, nativeTile } from './attention-tile.js';
import { TILE_QUERIES } from './attention-tiles.js';
import { composedDropout, type DropoutKernels } from './dropout.js';

export function nativeParts(ops: Ops): Parts {
  return { ...nativeAddLeading(ops), ...nativeTile(ops), tileQueries: TILE_QUERIES };
}

export function composedParts(ops: Ops, dropouts: DropoutKernels = composedDropout(ops)): Parts {
  return { ...composedAddLeading(ops), ...composedTile(ops, dropouts), tileQueries: TILE_QUERIES };
}
