import { cpus, loadavg, totalmem } from 'node:os';

/** What figures were taken on. */
export interface Machine {
  readonly processor: string;
  readonly processors: number;
  readonly memoryGiB: number;
  /** Processes that wanted to run in the last minute; more than `processors` means that absolute figures are too low. */
  readonly load: number;
}

export function machine(): Machine {
  const [first] = cpus();
  return {
    processor: first?.model.trim() ?? 'unknown',
    processors: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    load: Number((loadavg()[0] ?? 0).toFixed(1)),
  };
}
