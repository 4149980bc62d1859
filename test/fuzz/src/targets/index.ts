import type { Target } from '../target.js';
import { frames } from './frames.js';
import { jobFiles } from './job-files.js';
import { models } from './models.js';
import { readers } from './readers.js';
import { servers } from './servers.js';

/** What takes bytes in this process, and how many inputs of a hundred each group gets. */
export const groups = {
  readers: { share: 20, open: () => Promise.resolve(readers()) },
  'job files': { share: 10, open: () => Promise.resolve(jobFiles) },
  models: { share: 20, open: models },
  frames: { share: 45, open: () => Promise.resolve(frames()) },
  servers: { share: 5, open: servers },
} satisfies Readonly<Record<string, { share: number; open: () => Promise<readonly Target[]> }>>;

export type Group = keyof typeof groups;
