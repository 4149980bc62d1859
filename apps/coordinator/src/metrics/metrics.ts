import type { JobState, Phases, Recovery, StepReport, WorkerView } from '@ringmaster/protocol';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { isRunning } from '../runs/generation.js';
import type { Run } from '../runs/run.js';

const STEP_BUCKETS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100];
const REQUEST_BUCKETS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10];

/** Names of phases as the label `phase` has them. */
const phaseLabels: Readonly<Record<keyof Phases, string>> = {
  compute: 'compute',
  quantise: 'quantise',
  send: 'send',
  wait: 'wait',
  update: 'update',
};

const recoveryLabels: Readonly<Record<keyof Recovery, string>> = {
  detect: 'detect',
  abort: 'abort',
  form: 'form',
  transfer: 'transfer',
  firstStep: 'first_step',
};

/** What is counted at the moment of a scrape rather than when it changes. */
export interface Census {
  readonly workers: Readonly<Record<WorkerView['state'], number>>;
  readonly slots: Readonly<Record<'free' | 'busy', number>>;
  readonly jobs: Readonly<Record<JobState, number>>;
}

interface WorkerSeries {
  readonly ringBytes: Counter.Internal;
  readonly ringSeconds: Counter.Internal;
  readonly phases: readonly {
    readonly phase: keyof Phases;
    readonly series: Histogram.Internal<string>;
  }[];
}

/** Every metric of a coordinator; docs/reference/metrics.md is made from these. */
export class Metrics {
  readonly registry = new Registry();

  /** @param census Called at each scrape. */
  constructor(census: () => Census) {
    const { registry } = this;
    collectDefaultMetrics({ register: registry, prefix: 'ringmaster_' });
    const gauge = (name: string, help: string, label: string, read: () => Record<string, number>) =>
      new Gauge({
        ...{ name, help, labelNames: [label], registers: [registry] },
        collect() {
          for (const [value, count] of Object.entries(read())) this.set({ [label]: value }, count);
        },
      });
    gauge('ringmaster_workers', 'Workers, by state.', 'state', () => census().workers);
    gauge('ringmaster_slots', 'Slots of living workers, by use.', 'use', () => census().slots);
    gauge('ringmaster_jobs', 'Jobs, by state.', 'state', () => census().jobs);
  }

  readonly requestSeconds = new Histogram({
    name: 'ringmaster_http_request_duration_seconds',
    help: 'Time to answer requests of the HTTP API.',
    labelNames: ['method', 'route', 'status'],
    buckets: REQUEST_BUCKETS,
    registers: [this.registry],
  });
  readonly messages = this.#counter('control_messages', 'Control messages of workers.', 'type');
  readonly incidents = this.#counter('incidents', 'Incidents.', 'job');
  readonly #checkpoints = this.#counter('checkpoints', 'Checkpoints made durable.', 'job');
  readonly #checkpointSeconds = new Histogram({
    name: 'ringmaster_checkpoint_seconds',
    help: 'Time to make a checkpoint durable, off the step path.',
    labelNames: ['job'],
    buckets: STEP_BUCKETS,
    registers: [this.registry],
  });
  readonly #generations = this.#counter(
    'generations',
    'Rings started, as a planned change or not.',
    'job',
    'kind',
  );
  readonly #quarantines = this.#counter(
    'quarantined_workers',
    'Workers that a job keeps away from since.',
    'job',
  );
  readonly #audits = this.#counter(
    'audits',
    'Audits that passed, at once or when an attempt was repeated.',
    'job',
    'result',
  );
  readonly #divergences = this.#counter(
    'audits_failed',
    'Times that ranks of a job were found to hold different bytes.',
    'job',
  );
  readonly #recoverySeconds = new Histogram({
    name: 'ringmaster_recovery_seconds',
    help: 'Time from a failure to the next applied step, by phase.',
    labelNames: ['job', 'phase'],
    buckets: STEP_BUCKETS,
    registers: [this.registry],
  });
  readonly #steps = this.#counter('steps', 'Steps applied, repeated ones included.', 'job');
  readonly #attempts = this.#counter('step_attempts', 'Attempts at steps.', 'job');
  readonly #tokens = this.#counter('tokens', 'Tokens read, padding excluded.', 'job');
  readonly #ringBytes = this.#counter(
    'ring_sent_bytes',
    'Bytes sent in the ring.',
    'job',
    'worker',
  );
  readonly #ringSeconds = this.#counter(
    'ring_seconds',
    'Time that the ring had something to sum, while the worker computed or not.',
    'job',
    'worker',
  );
  readonly #step = this.#gauge('job_step', 'Newest step applied.');
  readonly #lastStep = this.#gauge('job_steps', 'Steps in all.');
  readonly #loss = this.#gauge('job_loss', 'Mean loss of the newest step, nats per counted unit.');
  readonly #learningRate = this.#gauge('job_learning_rate', 'Learning rate of the newest step.');
  readonly #gradientNorm = this.#gauge('job_gradient_norm', 'Global norm before clipping.');
  readonly #tokensPerSecond = this.#gauge(
    'job_tokens_per_second',
    'Median of the newest 20 steps.',
  );
  readonly #evaluationLoss = this.#gauge('job_evaluation_loss', 'Loss of the newest evaluation.');
  readonly #trainers = this.#gauge('job_trainers', 'Trainers that the job holds.');
  readonly #stepSeconds = new Histogram({
    name: 'ringmaster_step_seconds',
    help: 'Wall time of a step on rank 0.',
    labelNames: ['job'],
    buckets: STEP_BUCKETS,
    registers: [this.registry],
  });
  readonly #phaseSeconds = new Histogram({
    name: 'ringmaster_step_phase_seconds',
    help: 'Time of a step on each worker, by phase.',
    labelNames: ['job', 'worker', 'phase'],
    buckets: STEP_BUCKETS,
    registers: [this.registry],
  });

  readonly #series = new Map<string, Map<string, WorkerSeries>>();

  /** Counts what one rank reports. Figures that are equal on every rank are taken from rank 0. */
  recordSteps(job: string, worker: string, rank: number, reports: readonly StepReport[]): void {
    const { ringBytes, ringSeconds, phases } = this.#seriesOf(job, worker);
    for (const report of reports) {
      ringBytes.inc(report.ringBytes);
      ringSeconds.inc(report.ringSeconds);
      for (const { phase, series } of phases) series.observe(report.phases[phase]);
      if (rank !== 0) continue;
      this.#steps.inc({ job });
      this.#attempts.inc({ job }, report.attempts);
      this.#tokens.inc({ job }, report.tokens);
      this.#stepSeconds.observe({ job }, report.seconds);
      this.#learningRate.set({ job }, report.learningRate);
      this.#gradientNorm.set({ job }, report.gradientNorm);
      if (report.audit !== undefined) this.#audits.inc({ job, result: report.audit });
      if (report.loss !== null) this.#loss.set({ job }, report.loss);
    }
  }

  /** The series of one worker in one job, looked up once: by far the most of what is counted goes there. */
  #seriesOf(job: string, worker: string) {
    const ofJob = this.#series.get(job) ?? new Map<string, WorkerSeries>();
    this.#series.set(job, ofJob);
    let series = ofJob.get(worker);
    if (series === undefined) {
      series = {
        ringBytes: this.#ringBytes.labels({ job, worker }),
        ringSeconds: this.#ringSeconds.labels({ job, worker }),
        phases: Object.entries(phaseLabels).map(([phase, label]) => ({
          phase: phase as keyof Phases,
          series: this.#phaseSeconds.labels({ job, worker, phase: label }),
        })),
      };
      ofJob.set(worker, series);
    }
    return series;
  }

  /** Makes the counters of a job appear as zero, so that their first increase shows. */
  open(job: string): void {
    for (const counter of [
      ...[this.incidents, this.#checkpoints, this.#quarantines, this.#divergences],
      ...[this.#steps, this.#attempts, this.#tokens],
    ])
      counter.inc({ job }, 0);
    for (const result of ['agreed', 'transient']) this.#audits.inc({ job, result }, 0);
    for (const kind of ['planned', 'unplanned']) this.#generations.inc({ job, kind }, 0);
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
    for (const [phase, label] of Object.entries(recoveryLabels)) {
      this.#recoverySeconds.observe({ job, phase: label }, recovery[phase as keyof Recovery]);
    }
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

  /** Drops every series of a job, so that their number is bounded by the jobs of late. */
  async forget(job: string): Promise<void> {
    this.#series.delete(job);
    for (const { name } of this.registry.getMetricsAsArray()) {
      const metric = this.registry.getSingleMetric(name);
      const { values } = (await metric?.get()) ?? { values: [] };
      for (const { labels } of values) {
        // `le` is no label of a histogram but of its buckets, which go with it.
        const { le: _, ...own } = labels as Record<string, string>;
        if (own['job'] === job) metric?.remove(own);
      }
    }
  }

  #counter(name: string, help: string, ...labelNames: string[]): Counter {
    const registers = [this.registry];
    return new Counter({ name: `ringmaster_${name}_total`, help, labelNames, registers });
  }

  #gauge(name: string, help: string): Gauge {
    const registers = [this.registry];
    return new Gauge({ name: `ringmaster_${name}`, help, labelNames: ['job'], registers });
  }
}
