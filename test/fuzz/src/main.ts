/** `npm run fuzz -- [--inputs N] [--seed S] [--only GROUP]`: prints what was not taken as it should, and exits with 1. */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { guardProgram } from '@ringmaster/base';
import { sanitise } from './kernels.js';
import { run, shares } from './run.js';

guardProgram((text) => text.replaceAll('ringmaster VERB', 'npm run fuzz --'));

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
    only: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  console.log('Usage: npm run fuzz -- [--inputs N] [--seed S] [--only GROUP]');
  process.exit(0);
}
const seed = Number(values.seed);
const inputs = Number(values.inputs);
console.log(`seed ${seed}, ${inputs} inputs`);
let found = 0;
for (const [group, count] of shares(inputs)) {
  if (values.only !== undefined && values.only !== group) continue;
  const started = performance.now();
  const findings = await run({ group, seed, inputs: count });
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.log(`${group}: ${count} inputs in ${seconds} s, ${findings.length} findings`);
  for (const { target, number, what, input } of findings)
    console.log(`\n${target}, input ${number}: ${what}\n${input}\n`);
  found += findings.length;
}
if (values.only === undefined || values.only === 'kernels')
  console.log(sanitise(Math.ceil(inputs / 1000), seed));
process.exitCode = found === 0 ? 0 : 1;
