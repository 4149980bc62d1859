/** `npm run chaos -- …`: seeded events happen to real processes, and every final state is compared (see HELP). */
import { randomInt } from 'node:crypto';
import { statfsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { guardProgram, outlivesTerminal } from '@ringmaster/base';
import { canUnsharePids } from '@ringmaster/base/testing';
import { z } from 'zod';
import { Cluster } from './cluster.js';
import { endure, trainUndisturbed } from './endure.js';
import { SMALL_DISK_BYTES } from './events/fill-disk.js';
import { allKinds, isKind, NETWORK_KINDS, type Kind } from './events/index.js';
import { writeTexts } from './job.js';
import { LiveLine } from './live-line.js';
import { Proxy } from './proxy.js';
import { markdown, writeReport } from './report.js';
import { describeEntry, makeSchedule, resizing } from './schedule.js';

const HELP = `Usage: npm run chaos -- [--events N] [--seed S] [--workers N] [--only KIND,…] [--without KIND,…] [--sizes N,N,…]
  [--direct] [--steps N] [--lease MS] [--directory DIR] [--json FILE] [--report FILE] [--dry-run]

KIND is one of ${allKinds.join(', ')}.`;

guardProgram((text) => text.replaceAll('ringmaster VERB', 'npm run chaos --'));

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '100' },
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
    workers: { type: 'string', default: '4' },
    only: { type: 'string', default: allKinds.join(',') },
    without: { type: 'string', default: '' },
    sizes: { type: 'string' },
    direct: { type: 'boolean', default: false },
    steps: { type: 'string', default: '600' },
    lease: { type: 'string', default: '3000' },
    directory: { type: 'string', default: tmpdir() },
    json: { type: 'string' },
    report: { type: 'string' },
    'dry-run': { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  console.log(HELP);
  process.exit(0);
}
const count = z.coerce.number().int().min(0);
const seed = count.parse(values.seed);
const sizes = values.sizes?.split(',').map((size) => count.min(1).parse(size));
const workers = sizes?.[0] ?? count.min(1).parse(values.workers);
const job = { steps: count.parse(values.steps), checkpointEvery: 25 };
const schedule =
  sizes === undefined
    ? makeSchedule({ seed, events: count.parse(values.events), kinds: kinds(), workers })
    : resizing(sizes, seed);
if (values['dry-run']) {
  for (const entry of schedule) console.log(describeEntry(entry));
  process.exit(0);
}

const line = new LiveLine(process.stderr);
line.tell(`seed ${seed}, ${schedule.length} events`);
const proxy = values.direct ? null : await Proxy.open();
const { directory } = values;
const cluster = await Cluster.create({
  directory,
  leaseMs: count.parse(values.lease),
  ...(proxy === null ? {} : { proxy }),
});
process.once('SIGINT', () => {
  void cluster.down().finally(() => process.exit(130));
});
await writeTexts(cluster.home.root);
await cluster.startCoordinator();
for (let started = 0; started < workers; started++) await cluster.addWorker();

const expected = await trainUndisturbed(cluster, job);
line.tell(`the undisturbed run ends with ${expected}`);
const runs = await endure({
  cluster,
  schedule,
  job,
  expected,
  onProgress: (text) => {
    line.show(text);
  },
  onHappened: (text) => {
    line.tell(text);
  },
});
const incidents = (await Promise.all(runs.map((run) => cluster.api.incidents(run.job)))).flat();
const violations = await cluster.down().then(
  () => [],
  (error: unknown) => [String(error)],
);
proxy?.close();

const date = new Date().toISOString();
const command = `npm run chaos -- ${process.argv.slice(2).join(' ')}`;
const report = { date, command, seed, expected, runs, violations, incidents };
const path =
  values.report ??
  fileURLToPath(new URL(`../../../docs/reports/${date.slice(0, 10)}-chaos.md`, import.meta.url));
await writeReport(report, path);
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`);
console.log(markdown(report));
console.error(`The report is in ${path}`);
if (violations.length > 0 || runs.some((run) => run.violations.length > 0)) {
  console.error(`What the processes wrote is in ${cluster.home.root}`);
  process.exitCode = 1;
} else {
  await cluster.remove();
}

/**
 * The kinds to draw from. A disk is filled only where it was made for that: `--directory` on a small one. Nothing
 * happens to connections that nobody stands between, and no terminal is closed on workers that were started to outlive it.
 */
function kinds(): Kind[] {
  const without = new Set(kindsIn(values.without));
  if (values.direct) for (const kind of NETWORK_KINDS) without.add(kind);
  if (!canUnsharePids()) without.add('restart-in-namespace');
  if (outlivesTerminal()) without.add('hang-up');
  const { blocks, bsize } = statfsSync(values.directory);
  if (blocks * bsize > SMALL_DISK_BYTES) without.add('fill-disk');
  return kindsIn(values.only).filter((kind) => !without.has(kind));
}

function kindsIn(list: string): Kind[] {
  return list
    .split(',')
    .filter((name) => name !== '')
    .map((name) => {
      if (isKind(name)) return name;
      console.error(`There is no event '${name}'. There are: ${allKinds.join(', ')}`);
      process.exit(2);
    });
}
