import { availableParallelism } from 'node:os';

/** What a host has, and what each of its trainers keeps busy. */
export interface Processors {
  readonly processors: number;
  readonly threads: number;
}

/**
 * Whether a rank's host has a processor that no trainer of its ring keeps busy, where the others on it have as many
 * threads as this one.
 * @param endpoints those of the ring, by rank
 */
export function hasFreeProcessor(
  endpoints: readonly string[],
  rank: number,
  { processors, threads }: Processors = present(),
): boolean {
  const hosts = endpoints.map((endpoint) => new URL(endpoint).hostname);
  const here = hosts.filter((host) => host === hosts[rank]).length;
  return here * threads < processors;
}

const present = (): Processors => ({
  processors: availableParallelism(),
  threads: Number(process.env['TF_NUM_INTRAOP_THREADS'] ?? 1),
});
