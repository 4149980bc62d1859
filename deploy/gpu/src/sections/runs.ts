import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { jobViewSchema, profileViewSchema, type ProfileView } from '@ringmaster/protocol';
import { watchCardMemory } from '../card-memory.js';
import { failureOf, runProgram } from '../program.js';
import { ClaimFailed, table, type Context, type Section } from '../section.js';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const cli = join(root, 'apps/cli/bin/ringmaster');
const worker = join(root, 'apps/worker/dist/main.js');
const STEPS = 50;

interface Case {
  readonly name: string;
  readonly precision: 'float32' | 'bfloat16';
  readonly trainers: 1 | 2;
}

const CASES: readonly Case[] = [
  { name: 'float32, one trainer', precision: 'float32', trainers: 1 },
  { name: 'float32, one trainer, again', precision: 'float32', trainers: 1 },
  { name: 'float32, two trainers on the card', precision: 'float32', trainers: 2 },
  { name: 'bfloat16, one trainer', precision: 'bfloat16', trainers: 1 },
  { name: 'bfloat16, two trainers on the card', precision: 'bfloat16', trainers: 2 },
];

/** Whole runs of the quickstart's model: one hash a precision, however many trainers share the card. */
export const runs: Section = {
  name: 'runs',
  title: `The quickstart's model, ${STEPS} steps`,
  limit: 240,
  async run(context) {
    const home = join(context.directory, 'home');
    await mkdir(home, { recursive: true });
    const workers: ChildProcess[] = [];
    const rows: string[][] = [];
    const hashes = new Map<string, Set<string>>();
    const phases: string[][] = [];
    const memory = watchCardMemory();
    const notes: string[] = [];
    try {
      await ringmaster(context, ['up', '--workers', '0', '--home', home]);
      for (const name of ['card-1', 'card-2']) workers.push(startWorker(home, name, context.card));
      for (const chosen of CASES) {
        try {
          const { hash, rate, seconds, profile } = await train(context, home, chosen);
          hashes.set(chosen.precision, (hashes.get(chosen.precision) ?? new Set()).add(hash));
          rows.push([chosen.name, hash.slice(0, 16), rate, seconds.toFixed(1)]);
          phases.push([chosen.name, ...phasesOf(profile)]);
        } catch (error) {
          rows.push([chosen.name, 'FAILED', '', '']);
          notes.push(`${chosen.name}: ${error instanceof Error ? error.message : String(error)}`);
        }
      }
    } finally {
      await runProgram(process.execPath, [cli, 'down', '--home', home], { limitMs: 20_000 });
      await Promise.all(workers.map(endWorker));
    }
    const used = [...(await memory.stop()).values()].sort((one, other) => other - one);
    const found = [
      table(['run', 'state hash', 'tokens/s', 'seconds from submit to end'], rows),
      'Mean milliseconds of a step, rank 0, newest steps:',
      table(['run', ...PHASES, 'whole step'], phases),
      `Memory of the card that the trainers had, in MiB: ${used.join(', ') || 'not told by the driver'}.`,
    ];
    const split = [...hashes].filter(([, all]) => all.size > 1).map(([precision]) => precision);
    if (split.length > 0) notes.push(`runs of ${split.join(' and ')} end in different states`);
    if (notes.length > 0) throw new ClaimFailed(notes.join('\n\n'), found);
    return found;
  },
};

const PHASES = ['compute', 'quantise', 'send', 'wait', 'update'];

function phasesOf({ ranks }: ProfileView): string[] {
  const steps = (ranks[0]?.steps ?? []).slice(-20);
  const mean = (of: (step: (typeof steps)[number]) => number) =>
    ((1000 * steps.reduce((sum, step) => sum + of(step), 0)) / Math.max(1, steps.length)).toFixed(
      1,
    );
  return [
    ...PHASES.map((phase) => mean(({ phases }) => (phases as Record<string, number>)[phase] ?? 0)),
    mean(({ seconds }) => seconds),
  ];
}

function startWorker(home: string, name: string, card: number): ChildProcess {
  const args = ['--home', home, '--name', name, '--device', `gpu:${card}`];
  const child = spawn(process.execPath, [worker, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: root,
  });
  const log = createWriteStream(join(home, `${name}.log`));
  child.stdout.pipe(log);
  child.stderr.pipe(log);
  return child;
}

/** `down` ends workers only that `up` has started. */
async function endWorker(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await once(child, 'exit');
  clearTimeout(late);
}

async function train(context: Context, home: string, { precision, trainers }: Case) {
  const started = performance.now();
  const settings = [
    `steps=${STEPS}`,
    `precision=${precision}`,
    `workers.min=${trainers}`,
    `workers.max=${trainers}`,
  ];
  const recipe = join(root, 'recipes/quickstart-pretrain.yaml');
  const options = settings.flatMap((setting) => ['--set', setting]);
  const id = await ringmaster(context, ['submit', recipe, ...options, '--home', home]);
  await ringmaster(context, ['wait', id, '--timeout', '100s', '--home', home]);
  const seconds = (performance.now() - started) / 1000;
  const job = jobViewSchema.parse(
    JSON.parse(await ringmaster(context, ['job', id, '--json', '--home', home])),
  );
  const profile = profileViewSchema.parse(
    JSON.parse(await ringmaster(context, ['job', id, '--profile', '--json', '--home', home])),
  );
  const hash = job.result?.stateHash ?? 'none';
  return { hash, rate: job.throughput.tokensPerSecond?.toFixed(0) ?? '', seconds, profile };
}

async function ringmaster({ leftMs }: Context, args: readonly string[]): Promise<string> {
  const finished = await runProgram(process.execPath, [cli, ...args], {
    cwd: root,
    limitMs: leftMs(),
  });
  const failure = failureOf(finished);
  if (failure !== null) throw new ClaimFailed(`ringmaster ${args[0] ?? ''}: ${failure}`);
  return finished.out.trim();
}
