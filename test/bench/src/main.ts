/** `npm run bench -- NAME [--rounds N] [--steps N] [--only CASE,…] [--device cpu|gpu] [--json FILE] [--report FILE]` */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { batches } from './batches.js';
import { control } from './control.js';
import { curves } from './curves.js';
import { data } from './data.js';
import { machine } from './machine.js';
import { overhead } from './overhead.js';
import { profile } from './profile.js';
import { recovery } from './recovery.js';
import { markdown, writeReport } from './report.js';
import { ring } from './ring.js';
import { seek } from './seek.js';
import { train } from './train.js';

const benchmarks = {
  batches,
  control,
  curves,
  data,
  overhead,
  profile,
  recovery,
  ring,
  seek,
  train,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '12' },
    steps: { type: 'string', default: '3' },
    only: { type: 'string' },
    device: { type: 'string', default: 'cpu' },
    json: { type: 'string' },
    report: { type: 'string' },
  },
});
const [name = ''] = positionals;
if (!isBenchmark(name)) {
  console.error(
    `There is no benchmark '${name}'. There are: ${Object.keys(benchmarks).join(', ')}`,
  );
  process.exit(2);
}
const count = z.coerce.number().int().positive();
const pace = {
  rounds: count.parse(values.rounds),
  steps: count.parse(values.steps),
  device: z.enum(['cpu', 'gpu']).parse(values.device),
  ...(values.only === undefined ? {} : { only: values.only.split(',') }),
};
const found = await benchmarks[name](pace);
const date = new Date().toISOString();
const command = `npm run bench -- ${process.argv.slice(2).join(' ')}`;
const report = { ...found, date, command, machine: machine() };
const reports = fileURLToPath(new URL('../reports/', import.meta.url));
const path = values.report ?? `${reports}${date.slice(0, 10)}-${name}.md`;
await writeReport(report, { path, json: values.json });
console.log(markdown(report));
console.error(`The report is in ${path}`);

function isBenchmark(given: string): given is keyof typeof benchmarks {
  return given in benchmarks;
}
