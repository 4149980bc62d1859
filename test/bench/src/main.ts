/** `npm run bench -- NAME [--rounds N] [--steps N] [--only CASE,…] [--device cpu|gpu] [--json FILE] [--report FILE]` */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runProgram } from '@ringmaster/base';
import { RingmasterError } from '@ringmaster/protocol';
import { attention } from './attention/attention.js';
import { control } from './control/control.js';
import { curves } from './control/curves.js';
import { jobs } from './control/jobs.js';
import { room } from './control/room.js';
import { data } from './data/data.js';
import { encoding } from './data/encoding.js';
import { jsonLines } from './data/json-lines.js';
import { seek } from './data/seek.js';
import { generate } from './generate/generate.js';
import { hosts } from './hosts/hosts.js';
import { machine } from './machine.js';
import { recovery } from './recovery/recovery.js';
import { markdown, writeReport } from './report.js';
import { ring } from './ring/ring.js';
import { sizes } from './sizes/sizes.js';
import { batches } from './train/batches.js';
import { overhead } from './train/overhead.js';
import { profile } from './train/profile.js';
import { train } from './train/train.js';

const benchmarks = {
  attention,
  batches,
  control,
  curves,
  data,
  encoding,
  generate,
  hosts,
  jobs,
  'json-lines': jsonLines,
  overhead,
  profile,
  recovery,
  ring,
  room,
  seek,
  sizes,
  train,
};

const HELP = `Usage: npm run bench -- NAME [--rounds N] [--steps N] [--only CASE,…] [--device cpu|gpu] [--json FILE] [--report FILE]

NAME is one of ${Object.keys(benchmarks).join(', ')}. test/bench/README.md says what each compares.`;

await runProgram(
  async () => {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        rounds: { type: 'string', default: '12' },
        steps: { type: 'string', default: '3' },
        only: { type: 'string' },
        device: { type: 'string', default: 'cpu' },
        json: { type: 'string' },
        report: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) {
      console.log(HELP);
      return;
    }
    const [name = ''] = positionals;
    if (!isBenchmark(name)) {
      const known = Object.keys(benchmarks).join(', ');
      throw usage(`there is no benchmark '${name}'; there are ${known}`);
    }
    const pace = {
      rounds: count('rounds', values.rounds),
      steps: count('steps', values.steps),
      device: device(values.device),
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
  },
  (text) => text.replaceAll('ringmaster VERB', 'npm run bench --'),
);

function isBenchmark(given: string): given is keyof typeof benchmarks {
  return Object.hasOwn(benchmarks, given);
}

/** @throws USAGE */
function count(option: string, given: string): number {
  const value = /^\d{1,9}$/.test(given) ? Number(given) : 0;
  if (value > 0) return value;
  throw usage(`--${option} ${given} is no number of at least 1`);
}

/** @throws USAGE */
function device(given: string): 'cpu' | 'gpu' {
  if (given === 'cpu' || given === 'gpu') return given;
  throw usage(`--device ${given} is neither cpu nor gpu`);
}

function usage(reason: string): RingmasterError {
  return new RingmasterError('USAGE', { reason });
}
