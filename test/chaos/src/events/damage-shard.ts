import { chmod, readFile, stat, truncate } from 'node:fs/promises';
import { dataManifestSchema } from '@ringmaster/protocol';
import { until } from '../patience.js';
import { signal } from '../stage.js';
import { blobPath, flipBit, newestCheckpoint } from './damage-checkpoint.js';
import type { EventKind } from './event.js';

const CHECKPOINT_MS = 120_000;

/** A shard of the prepared data is cut, or a bit of it changes, and then a trainer is killed, so that another reads it. */
export const damageShard: EventKind<'damage-shard'> = {
  draw: (dice) => ({
    kind: 'damage-shard',
    victim: dice.share(),
    cut: dice.uniform() < 0.5,
    bit: dice.integer(0, 2 ** 20),
  }),
  disturbs: () => true,
  apply: async ({ victim, cut, bit }, stage) => {
    const { artifacts } = stage.cluster.home;
    const { dataManifest } = await until(
      'the run has a checkpoint, which names its data',
      () => newestCheckpoint(artifacts, stage.job),
      CHECKPOINT_MS,
    );
    const text = await readFile(blobPath(artifacts, dataManifest), 'utf8');
    const [shard] = dataManifestSchema.parse(JSON.parse(text)).splits.train.shards;
    if (shard === undefined) throw new Error('the data have no shard');
    const path = blobPath(artifacts, shard.sha256);
    await chmod(path, 0o600);
    if (cut) await truncate(path, (await stat(path)).size - 8);
    else await flipBit(path, bit);
    const { worker, trainer } = await stage.victim(victim);
    signal(trainer, 'SIGKILL');
    const how = cut ? 'cut' : 'with another bit';
    return { what: `${how}, then the trainer of ${worker.name} was killed`, culprits: [] };
  },
};
