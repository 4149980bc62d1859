// npm run quickstart: a cluster of a coordinator and two workers, three jobs, a report. Ctrl-C takes it all down.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { statusViewSchema } from '@ringmaster/protocol';
import { predictUnseen } from './predictions.js';
import { curves, evidence, whereThingsAre } from './report.js';
import { finishedJob, lossCurve } from './results.js';
import { CommandFailed, interrupt, ringmaster, root } from './ringmaster.js';

/** Home directory of the quick start: a run shows the whole path, so what the one before has left is removed first. */
const home = join('.ringmaster', 'quickstart');
process.chdir(root);
const recipe = (name: string) => join('recipes', `${name}.yaml`);

let interrupted = false;
let goingDown = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (goingDown) return;
    interrupted = true;
    interrupt();
  });
}

async function main(): Promise<void> {
  const started = Date.now();
  await ringmaster(['down', '--home', home], { quiet: true });
  await rm(home, { recursive: true, force: true });
  try {
    await ringmaster(['up', '--workers', '2', '--home', home]);
    const pretraining = await submit('quickstart-pretrain');
    const fineTuning = await submit('quickstart-finetune', ['--set', `base=${pretraining}`]);
    const fromScratch = await submit('quickstart-from-scratch', ['--set', `after=[${fineTuning}]`]);
    for (const id of [pretraining, fineTuning, fromScratch])
      await ringmaster(['wait', id, '--home', home]);

    const status = statusViewSchema.parse(
      JSON.parse(await ringmaster(['status', '--json', '--home', home], { quiet: true })),
    );
    const jobs = {
      pretraining: await finishedJob(pretraining, home),
      fineTuning: await finishedJob(fineTuning, home),
      fromScratch: await finishedJob(fromScratch, home),
    };
    print(
      curves(await lossCurve(status.url, pretraining), await lossCurve(status.url, fineTuning)),
    );
    print(evidence(jobs, (Date.now() - started) / 1000));
    print(await predictUnseen(jobs.fineTuning, home));
    print(whereThingsAre(jobs.fineTuning, status.url, home));
  } finally {
    goingDown = true;
    await ringmaster(['down', '--home', home]);
  }
}

async function submit(name: string, options: readonly string[] = []): Promise<string> {
  return ringmaster(['submit', recipe(name), ...options, '--home', home]);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

main().catch((error: unknown) => {
  if (!interrupted) {
    process.stderr.write(`quickstart: ${error instanceof Error ? error.message : String(error)}\n`);
  }
  process.exitCode = interrupted ? 130 : error instanceof CommandFailed ? error.exit : 1;
});
