/**
 * combinations.process.js: every combination of the chart's features, as far as they make a difference, by a real API server:
 * each manifest with every combination of those features that change it. Then combinations of all features are drawn, and none
 * of them may have a manifest that was not among those. One to five minutes; kubernetes.sh ends with it.
 */
import { availableParallelism } from 'node:os';
import { withTemporaryDirectory } from '@ringmaster/testing';
import type { ApiServer } from './api-server.js';
import { FEATURES, render, valuesOf, type Manifest } from './chart.js';
import { coveringTable, type Combination } from './combinations.js';
import { complaints, openLab } from './lab.js';

/** How many combinations are drawn at the end. */
const DRAWN = 100;

await withTemporaryDirectory(async (directory) => {
  const server = await openLab(directory);
  await tryAll(server).finally(() => server.close());
});

async function tryAll(server: ApiServer): Promise<void> {
  const parts = await partsOf();
  const table = coveringTable([...parts.values()].map((features) => [...features]));
  const taken = new Set<string>();
  await concurrently(table, async (features) => {
    for (const manifest of await render(valuesOf(features))) {
      const text = JSON.stringify(manifest);
      if (taken.has(text)) continue;
      taken.add(text);
      const said = await complaints(server, manifest);
      if (said.length > 0)
        throw new Error(`${nameOf(manifest)} with ${features.join(', ')}: ${said.join('; ')}`);
    }
  });
  const drawn = Array.from({ length: DRAWN }, () => FEATURES.filter(() => Math.random() < 0.5));
  await concurrently(drawn, async (features) => {
    for (const manifest of await render(valuesOf(features)))
      if (!taken.has(JSON.stringify(manifest)))
        throw new Error(`${nameOf(manifest)} with ${features.join(', ')} was not tried`);
  });
  console.log(
    `${taken.size} manifests of ${table.length} combinations are taken; ${DRAWN} combinations of all features have no other`,
  );
}

/** The features that change each manifest: alone, where no other is on, or where all others are. */
async function partsOf(): Promise<Map<string, Set<string>>> {
  const parts = new Map<string, Set<string>>();
  const compare = async (feature: string, off: Combination, on: Combination) => {
    const before = byName(await render(valuesOf(off)));
    const after = byName(await render(valuesOf(on)));
    for (const name of new Set([...before.keys(), ...after.keys()])) {
      if (!parts.has(name)) parts.set(name, new Set());
      if (before.get(name) !== after.get(name)) parts.get(name)?.add(feature);
    }
  };
  await concurrently(FEATURES, async (feature) => {
    await compare(feature, [], [feature]);
    const others = FEATURES.filter((name) => name !== feature);
    await compare(feature, others, FEATURES);
  });
  return parts;
}

function nameOf({ kind, metadata }: Manifest): string {
  return `${kind} ${metadata.name}`;
}

function byName(manifests: readonly Manifest[]): Map<string, string> {
  return new Map(manifests.map((manifest) => [nameOf(manifest), JSON.stringify(manifest)]));
}

/** Does it for all of them, as many at a time as there are processors. */
async function concurrently<Item>(
  items: readonly Item[],
  each: (item: Item) => Promise<void>,
): Promise<void> {
  const rest = items.values();
  const one = async () => {
    for (const item of rest) await each(item);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, one));
}
