import { z } from 'zod';

const releaseSchema = z.object({ type: z.literal('release') });

/**
 * Between an agent and a trainer's process, either way: the process is to free everything of the run that it has
 * finished, and the answer that it has.
 */
export type Release = z.infer<typeof releaseSchema>;

export const release: Release = { type: 'release' };

export function isRelease(message: unknown): message is Release {
  return releaseSchema.safeParse(message).success;
}
