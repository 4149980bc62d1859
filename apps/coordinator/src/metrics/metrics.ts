import type {
  JobState,
  Phases,
  PreparationProgress,
  Recovery,
  StepReport,
  StorageKind,
  WorkerView,
} from '@ringmaster/protocol';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { isRunning } from '../runs/generation.js';
import type { Run } from '../runs/run.js';
import { JobSeries } from './job-series.js';
import { phaseLabels, recoveryLabels } from './phases.js';
import { WorkerSeries } from './worker-series.js';

const REQUEST_BUCKETS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10];
/** Most jobs whose last figures wait for a scrape. */
const MOST_ENDED = 50;
/** Phases of data preparation, those that are measured in bytes. */
const preparationLabel = { name: 'phase', values: ['read', 'tokenizer', 'encode'] };
/** Gauges of prom-client that are named as counters are; what they add up is there by type. */
const MISNAMED = ['active_handles_total', 'active_requests_total', 'active_resources_total'];

/** What is counted at the moment of a scrape rather than when it changes. */
export interface Census {
  readonly workers: Readonly<Record<WorkerView['state'], number>>;
  readonly slots: Readonly<Record<'free' | 'busy', number>>;
  readonly jobs: Readonly<Record<JobState, number>>;
  /** Bytes under the home, by what they are for; null until they have been counted. */
  readonly storage: Readonly<Record<StorageKind, number>> | null;
}

/** Every metric of a coordinator; docs/reference/metrics.md is made from these. */
export class Metrics {
  readonly registry = new Registry();
  readonly #jobs = new JobSeries(this.registry);
  readonly #preparations = new JobSeries(this.registry);
  readonly #workers = new WorkerSeries(this.registry);
  /** Jobs that have ended and whose series the next scrape shows for the last time, in the order of their ends. */
  readonly #ended: string[] = [];

  /** @param census Called at each scrape. */
  constructor(census: () => Census) {
    const { registry } = this;
    collectDefaultMetrics({ register: registry, prefix: 'ringmaster_' });
    for (const name of MISNAMED) registry.removeSingleMetric(`ringmaster_nodejs_${name}`);
    const gauge = (name: string, help: string, label: string, read: () => Record<string, number>) =>
      new Gauge({
        name,
        help,
        labelNames: [label],
        registers: [registry],
        collect() {
          for (const [value, count] of Object.entries(read())) this.set({ [label]: value }, count);
        },
      });
    gauge('ringmaster_workers', 'Workers, by state.', 'state', () => census().workers);
    gauge('ringmaster_slots', 'Slots of living workers, by use.', 'use', () => census().slots);
    gauge('ringmaster_jobs', 'Jobs, by state.', 'state', () => census().jobs);
    const storage = () => census().storage ?? {};
    gauge('ringmaster_storage_bytes', 'Bytes under the home, by what for.', 'kind', storage);
  }

  readonly requestSeconds = new Histogram({
    name: 'ringmaster_http_request_duration_seconds',
    help: 'Time to answer requests of the HTTP API.',
    labelNames: ['method', 'route', 'status'],
    buckets: REQUEST_BUCKETS,
    registers: [this.registry],
  });
  readonly messages = new Counter({
    name: 'ringmaster_control_messages_total',
    help: 'Control messages of workers.',
    labelNames: ['type'],
    registers: [this.registry],
  });
  readonly preparationTasks = new Counter({
    name: 'ringmaster_preparation_tasks_total',
    help: 'Tasks of data preparation that were done, by whom: the coordinator or workers.',
    labelNames: ['by'],
    registers: [this.registry],
  });
  readonly incidents = this.#jobs.counter('incidents', 'Incidents.');
  readonly #checkpoints = this.#jobs.counter('checkpoints', 'Checkpoints made durable.');
  readonly #checkpointSeconds = this.#jobs.summary(
    'checkpoint_seconds',
    'Time to make a checkpoint durable, off the step path.',
  );
  readonly #generations = this.#jobs.counter(
    'generations',
    'Rings started, as a planned change or not.',
    { name: 'kind', values: ['planned', 'unplanned'] },
  );
  readonly #quarantines = this.#jobs.counter(
    'quarantined_workers',
    'Workers that a job keeps away from since.',
  );
  readonly #audits = this.#jobs.counter(
    'audits',
    'Audits that passed, at once or when an attempt was repeated.',
    { name: 'result', values: ['agreed', 'transient'] },
  );
  readonly #divergences = this.#jobs.counter(
    'audits_failed',
    'Times that ranks of a job were found to hold different bytes.',
  );
  readonly #recoveries = this.#jobs.counter(
    'recoveries',
    'Failures after which a step has been applied again.',
  );
  readonly #recoverySeconds = this.#jobs.counter(
    'recovery_seconds',
    'Time from failures to the next applied steps, by phase.',
    { name: 'phase', values: Object.values(recoveryLabels) },
  );
  readonly #steps = this.#jobs.counter('steps', 'Steps applied, repeated ones included.');
  readonly #attempts = this.#jobs.counter('step_attempts', 'Attempts at steps.');
  readonly #tokens = this.#jobs.counter('tokens', 'Tokens read, padding excluded.');
  readonly #preparedBytes = this.#preparations.gauge(
    'job_prepared_bytes',
    'Bytes of its data that are prepared, by phase.',
    preparationLabel,
  );
  readonly #preparationBytes = this.#preparations.gauge(
    'job_preparation_bytes',
    'Bytes of its data that there are to prepare, by phase.',
    preparationLabel,
  );
  readonly #preparationLeft = this.#preparations.gauge(
    'job_preparation_left_seconds',
    'Time until a phase of preparation is done at the rate of the last minute.',
    preparationLabel,
  );
  readonly #step = this.#jobs.gauge('job_step', 'Newest step applied.');
  readonly #lastStep = this.#jobs.gauge('job_steps', 'Steps in all.');
  readonly #loss = this.#jobs.gauge(
    'job_loss',
    'Mean loss of the newest step, nats per counted unit.',
  );
  readonly #learningRate = this.#jobs.gauge(
    'job_learning_rate',
    'Learning rate of the newest step.',
  );
  readonly #gradientNorm = this.#jobs.gauge('job_gradient_norm', 'Global norm before clipping.');
  readonly #tokensPerSecond = this.#jobs.gauge(
    'job_tokens_per_second',
    'Median of the newest 20 steps.',
  );
  readonly #evaluationLoss = this.#jobs.gauge(
    'job_evaluation_loss',
    'Loss of the newest evaluation.',
  );
  readonly #trainers = this.#jobs.gauge('job_trainers', 'Trainers that the job holds.');
  readonly #stepSeconds = this.#jobs.summary('step_seconds', 'Wall time of a step on rank 0.');
  readonly #rankSteps = this.#jobs.counter('rank_steps', 'Steps, each counted once a rank.');
  readonly #phaseSeconds = this.#jobs.counter(
    'step_phase_seconds',
    'Time of steps, summed over the ranks, by phase.',
    { name: 'phase', values: Object.values(phaseLabels) },
  );

  /** Counts steps, each once, whichever rank has told of it first. */
  recordApplied(job: string, reports: readonly StepReport[]): void {
    for (const report of reports) {
      this.#steps.inc({ job });
      this.#attempts.inc({ job }, report.attempts);
      this.#tokens.inc({ job }, report.tokens);
      if (report.audit !== undefined) this.#audits.inc({ job, result: report.audit });
    }
  }

  /** Counts what one rank reports of its own. What shows the newest step is taken from rank 0. */
  recordSteps(job: string, worker: string, rank: number, reports: readonly StepReport[]): void {
    this.#workers.record(job, worker, reports);
    for (const report of reports) {
      this.#rankSteps.inc({ job });
      for (const [phase, label] of Object.entries(phaseLabels))
        this.#phaseSeconds.inc({ job, phase: label }, report.phases[phase as keyof Phases]);
      if (rank !== 0) continue;
      this.#stepSeconds.observe({ job }, report.seconds);
      this.#learningRate.set({ job }, report.learningRate);
      this.#gradientNorm.set({ job }, report.gradientNorm);
      if (report.loss !== null) this.#loss.set({ job }, report.loss);
    }
  }

  /** Makes the counters of a job appear as zero, so that their first increase shows. */
  open(job: string): void {
    this.#jobs.open(job);
  }

  /** Counts what a transition of a job's run has brought about. */
  recordChange(job: string, before: Run, after: Run): void {
    const { ring } = after;
    const isNew = ring?.generation !== before.ring?.generation || !isRunning(before.ring);
    if (isRunning(ring) && isNew)
      this.#generations.inc({ job, kind: ring.from === null ? 'unplanned' : 'planned' });
    this.#quarantines.inc({ job }, after.excluded.length - before.excluded.length);
    this.#divergences.inc({ job }, after.divergences - before.divergences);
  }

  /** @param seconds Time to make it durable; null where that is not known. */
  recordCheckpoint(job: string, seconds: number | null): void {
    this.#checkpoints.inc({ job });
    if (seconds !== null) this.#checkpointSeconds.observe({ job }, seconds);
  }

  recordRecovery(job: string, recovery: Recovery): void {
    this.#recoveries.inc({ job });
    for (const [phase, label] of Object.entries(recoveryLabels))
      this.#recoverySeconds.inc({ job, phase: label }, recovery[phase as keyof Recovery]);
  }

  /** @param progress Null once nothing is being prepared for the job; series are those of the present phase alone. */
  recordPreparation(job: string, progress: PreparationProgress | null): void {
    this.#preparations.forget(job);
    if (!progress?.bytes) return;
    const { phase, bytes, secondsLeft } = progress;
    this.#preparedBytes.set({ job, phase }, bytes.done);
    this.#preparationBytes.set({ job, phase }, bytes.total);
    if (secondsLeft !== null) this.#preparationLeft.set({ job, phase }, secondsLeft);
  }

  recordJob(
    job: string,
    figures: {
      readonly step: number;
      readonly steps: number | null;
      readonly tokensPerSecond: number | null;
      readonly evaluationLoss: number | null;
      readonly trainers: number;
    },
  ): void {
    this.#step.set({ job }, figures.step);
    this.#trainers.set({ job }, figures.trainers);
    if (figures.steps !== null) this.#lastStep.set({ job }, figures.steps);
    if (figures.tokensPerSecond !== null)
      this.#tokensPerSecond.set({ job }, figures.tokensPerSecond);
    if (figures.evaluationLoss !== null) this.#evaluationLoss.set({ job }, figures.evaluationLoss);
  }

  /** Has the next scrape be the last that shows this job. */
  end(job: string): void {
    this.#ended.push(job);
    if (this.#ended.length > MOST_ENDED) this.forget(this.#ended[0] ?? '');
  }

  /** All metrics in the text format of Prometheus. What it has shown of jobs that have ended is dropped. */
  async scrape(): Promise<string> {
    const shown = [...this.#ended];
    const text = await this.registry.metrics();
    for (const job of shown) this.forget(job);
    return text;
  }

  /** Drops the series of a job that has ended. */
  forget(job: string): void {
    const at = this.#ended.indexOf(job);
    if (at < 0) return; // Another scrape of the same moment has dropped it.
    this.#ended.splice(at, 1);
    this.#jobs.forget(job);
    this.#preparations.forget(job);
    this.#workers.forget(job);
  }
}
