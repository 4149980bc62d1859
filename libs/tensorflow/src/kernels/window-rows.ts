/**
 * Which rows the windows of a convolution read. Rows [B·T, P] are those of a token and a place of a width, with P the sum of
 * the widths; the row behind them is none's, and stands for what lies beyond a text. Windows [B·T, W] begin at a token and
 * have one of the widths.
 */
export interface Windows {
  /** For each place of the widest window, the row that each window reads there. */
  readonly read: readonly Int32Array[];
  /** The window that reads each row; that behind the last window for rows that none reads. */
  readonly readBy: Int32Array;
  /** 1 for each window that there is, else 0. */
  readonly mask: Float32Array;
}

/** Windows lie within their text, but for one that begins at the first token of a text that is shorter. */
export function windowsIn(
  {
    sequences,
    length,
    lengths,
  }: {
    readonly sequences: number;
    readonly length: number;
    readonly lengths: Int32Array | null;
  },
  widths: readonly number[],
): Windows {
  const tokens = sequences * length;
  const places = widths.reduce((sum, width) => sum + width, 0);
  const count = tokens * widths.length;
  const read = Array.from({ length: Math.max(...widths) }, () =>
    new Int32Array(count).fill(tokens * places),
  );
  const readBy = new Int32Array(tokens * places).fill(count);
  const mask = new Float32Array(count);
  for (let sequence = 0; sequence < sequences; sequence++) {
    const real = lengths?.[sequence] ?? length;
    const start = sequence * length;
    let before = 0;
    for (const [kind, width] of widths.entries()) {
      for (let first = 0; first < Math.max(1, real - width + 1); first++) {
        const window = (start + first) * widths.length + kind;
        mask[window] = 1;
        for (let place = 0; place < Math.min(width, real - first); place++) {
          const row = (start + first + place) * places + before + place;
          const at = read[place];
          if (at !== undefined) at[window] = row;
          readBy[row] = window;
        }
      }
      before += width;
    }
  }
  return { read, readBy, mask };
}
