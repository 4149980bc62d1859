import type { Phases, StepReport } from '@ringmaster/protocol';
import { Counter, type Registry } from 'prom-client';
import { phaseLabels } from './phases.js';

/** What is counted of one worker. */
interface Series {
  readonly steps: Counter.Internal;
  readonly ringBytes: Counter.Internal;
  readonly ringSeconds: Counter.Internal;
  readonly phases: readonly { readonly phase: keyof Phases; readonly series: Counter.Internal }[];
  /** Jobs that it takes part in, or has taken part in of late. */
  readonly jobs: Set<string>;
}

/**
 * What workers do, whatever for: their series have no label `job`, so that those of a job are as many however many
 * workers it has. They end with the last job that the worker takes part in.
 */
export class WorkerSeries {
  readonly #series = new Map<string, Series>();
  readonly #steps: Counter;
  readonly #phaseSeconds: Counter;
  readonly #ringBytes: Counter;
  readonly #ringSeconds: Counter;

  constructor(registry: Registry) {
    const counter = (name: string, help: string, ...others: string[]) =>
      new Counter({
        name: `ringmaster_${name}_total`,
        help,
        labelNames: ['worker', ...others],
        registers: [registry],
      });
    this.#steps = counter('worker_steps', 'Steps that the worker took part in.');
    this.#phaseSeconds = counter(
      'worker_step_phase_seconds',
      'Time of steps on the worker, by phase.',
      'phase',
    );
    this.#ringBytes = counter('ring_sent_bytes', 'Bytes sent in the ring.');
    this.#ringSeconds = counter(
      'ring_seconds',
      'Time that the ring had something to sum, while the worker computed or not.',
    );
  }

  record(job: string, worker: string, reports: readonly StepReport[]): void {
    const { steps, ringBytes, ringSeconds, phases, jobs } = this.#of(worker);
    jobs.add(job);
    for (const report of reports) {
      steps.inc();
      ringBytes.inc(report.ringBytes);
      ringSeconds.inc(report.ringSeconds);
      for (const { phase, series } of phases) series.inc(report.phases[phase]);
    }
  }

  /** Drops the series of workers that took part in this job and do in no other. */
  forget(job: string): void {
    for (const [worker, { jobs }] of this.#series) {
      jobs.delete(job);
      if (jobs.size > 0) continue;
      this.#series.delete(worker);
      for (const metric of [this.#steps, this.#ringBytes, this.#ringSeconds])
        metric.remove({ worker });
      for (const phase of Object.values(phaseLabels)) this.#phaseSeconds.remove({ worker, phase });
    }
  }

  /** The series of one worker, looked up once: by far the most of what is counted goes there. */
  #of(worker: string): Series {
    let found = this.#series.get(worker);
    if (found === undefined) {
      found = {
        steps: this.#steps.labels({ worker }),
        ringBytes: this.#ringBytes.labels({ worker }),
        ringSeconds: this.#ringSeconds.labels({ worker }),
        phases: Object.entries(phaseLabels).map(([phase, label]) => ({
          phase: phase as keyof Phases,
          series: this.#phaseSeconds.labels({ worker, phase: label }),
        })),
        jobs: new Set(),
      };
      this.#series.set(worker, found);
    }
    return found;
  }
}
