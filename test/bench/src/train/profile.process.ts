/** Some steps of a trainer with a clock around every operation; one line of JSON on stdout. */
import { trainStep } from '@ringmaster/worker/trainer';
import { z } from 'zod';
import { OperationTimes } from './operation-times.js';
import type { Profile } from './profile.js';
import { link, openRun, trainedRunSchema } from './trained-run.js';

const { steps, warmUp, ...settings } = trainedRunSchema
  .extend({ steps: z.int().positive(), warmUp: z.int().min(0) })
  .parse(JSON.parse(process.argv[2] ?? 'null'));
const times = new OperationTimes();
const { run, session, seat } = await openRun(settings);
await link(run, session, [seat]);
for (let step = 0; step < warmUp; step++) await trainStep(run, session);
times.clear();
const processor = process.cpuUsage();
const phases = { compute: 0, quantise: 0, send: 0, wait: 0, update: 0, total: 0 };
for (let step = 0; step < steps; step++) {
  const report = await trainStep(run, session);
  for (const phase of ['compute', 'quantise', 'send', 'wait', 'update'] as const)
    phases[phase] += report.phases[phase];
  phases.total += report.seconds;
}
const { user, system } = process.cpuUsage(processor);
const profile: Profile = {
  processorSeconds: (user + system) / 1e6,
  phases,
  operations: times.list(),
  versions: { tensorflow: run.loaded.runtime.version, node: process.versions.node },
};
process.stdout.write(JSON.stringify(profile));
await session.end({ abandon: true });
