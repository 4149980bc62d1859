import type { StepPoint } from '@ringmaster/protocol';
import asciichart from 'asciichart';
import type { FinishedJob } from './results.js';

const CHART = { height: 10, width: 72 };

/** Loss curves of the pretraining and the fine-tune, for a terminal. */
export function curves(
  pretraining: readonly StepPoint[],
  fineTuning: readonly StepPoint[],
): string {
  return [
    heading('Pretraining: loss at masked tokens (nats) by step'),
    chart(pretraining),
    heading('Fine-tuning: loss a mail (nats) by step'),
    chart(fineTuning),
  ].join('\n');
}

/** The figures by which to judge the run, each beside what it has to beat. */
export function evidence(
  jobs: { pretraining: FinishedJob; fineTuning: FinishedJob; fromScratch: FinishedJob },
  seconds: number,
): string {
  const { pretraining, fineTuning, fromScratch } = jobs;
  const metric = (job: FinishedJob, name: string) => (job.result.metrics[name] ?? NaN).toFixed(4);
  const row = (name: string, key: string) =>
    `  ${name.padEnd(12)}${metric(fineTuning, key).padStart(12)}${metric(fromScratch, key).padStart(18)}`;
  return [
    heading('Held-out mails that no job has seen'),
    `  ${''.padEnd(12)}${'pretrained'.padStart(12)}${'random weights'.padStart(18)}`,
    row('accuracy', 'accuracy'),
    row('precision', 'precision'),
    row('recall', 'recall'),
    row('F1', 'f1'),
    row('ROC AUC', 'rocAuc'),
    heading('Pretraining'),
    `  loss at masked tokens, held-out mails   ${metric(pretraining, 'loss')} nats`,
    `  entropy of the words' frequencies       ${metric(pretraining, 'unigramEntropy')} nats`,
    heading('Speed'),
    `  pretraining   ${tokensPerSecond(pretraining)} tokens/s over 2 workers of one thread`,
    `  fine-tuning   ${tokensPerSecond(fineTuning)} tokens/s`,
    `  everything    ${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`,
    heading('The same bytes whenever this is run on this kind of processor'),
    `  state hash    ${fineTuning.result.stateHash}`,
  ].join('\n');
}

/** What a user may want to open or run next. */
export function whereThingsAre(job: FinishedJob, url: string, home: string): string {
  return [
    heading('Where things are'),
    `  model     ${job.name} (${job.result.model.slice(0, 12)}): npx ringmaster model show ${job.name} --home ${home}`,
    `  metrics   ${url}/metrics while the cluster is up`,
    `  logs      ${home}/logs`,
    `  go on     npx ringmaster up --home ${home}, then: npx ringmaster jobs --home ${home}`,
  ].join('\n');
}

export function heading(title: string): string {
  return `\n${title}\n${'─'.repeat(title.length)}`;
}

function chart(points: readonly StepPoint[]): string {
  const losses = points.flatMap(({ loss }) => (loss === null ? [] : [loss]));
  if (losses.length === 0) return '  (no steps)';
  return asciichart.plot(averaged(losses, CHART.width), { height: CHART.height });
}

/** At most `count` values, each the mean of its part of the series. */
function averaged(values: readonly number[], count: number): number[] {
  const groups = Math.min(count, values.length);
  return Array.from({ length: groups }, (_, group) => {
    const part = values.slice(
      Math.floor((group * values.length) / groups),
      Math.floor(((group + 1) * values.length) / groups),
    );
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
}

function tokensPerSecond(job: FinishedJob): string {
  const value = job.throughput.tokensPerSecond;
  return value === null ? '–' : Math.round(value).toLocaleString('en');
}
