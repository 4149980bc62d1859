import type { JobView } from '@ringmaster/protocol';
import stringWidth from 'string-width';
import { describeEarlyStopping } from './describe-early-stopping.js';
import { describePreparation } from './describe-preparation.js';
import { inUsersForm } from './invocation.js';
import { formatCount, formatFigure, formatSeconds } from './output.js';

/** How often plain lines are written where there is no terminal to rewrite one on. */
const PLAIN_MS = 5000;

/** One line of text on how a job stands. */
function describeJob(job: JobView): string {
  const { state, step, steps, loss, etaSeconds, progress } = job;
  const { tokensPerSecond } = job.throughput;
  const isRunning = state === 'running';
  const early = describeEarlyStopping(job);
  const parts = [
    `${job.name} ${state}`,
    steps === null || step === 0 ? null : `step ${step}/${steps}`,
    early === null ? null : `stopped early: ${early}`,
    loss === null ? null : `loss ${formatFigure(loss) ?? ''}`,
    job.evaluation === null ? null : `validation ${formatFigure(job.evaluation.loss) ?? ''}`,
    !isRunning || tokensPerSecond === null ? null : `${formatCount(tokensPerSecond)} tokens/s`,
    !isRunning || etaSeconds === null ? null : `ETA ${formatSeconds(etaSeconds)}`,
    job.preparation === null ? progress : describePreparation(job.preparation),
    state === 'paused' ? inUsersForm(`goes on with: ringmaster resume ${job.id}`) : null,
  ];
  return parts.filter((part) => part !== null).join('  ');
}

/** Progress on stderr: one line that is rewritten on a terminal, a line now and then elsewhere. */
export class ProgressLine {
  readonly #stream: NodeJS.WriteStream = process.stderr;
  #shown = '';
  #state = '';
  #shownAt = -Infinity;

  show(job: JobView): void {
    // What a job waits for changes seldom, and may be all that is told for long; what it prepares changes often.
    const state = job.state === 'queued' ? `queued ${job.progress ?? ''}` : job.state;
    this.put(describeJob(job), state);
  }

  /** @param state Whose change is told at once, wherever the line is written. */
  put(text: string, state: string): void {
    if (text === this.#shown) return;
    if (this.#stream.isTTY) {
      this.#stream.write(`\r\u001b[K${this.#clip(text)}`);
    } else {
      const now = performance.now();
      const isNews = state !== this.#state;
      if (!isNews && now - this.#shownAt < PLAIN_MS) return;
      this.#shownAt = now;
      this.#stream.write(`${text}\n`);
    }
    this.#shown = text;
    this.#state = state;
  }

  /** Says something that stays, above the line. */
  tell(text: string): void {
    this.#stream.write(
      this.#stream.isTTY ? `\r\u001b[K${text}\n${this.#clip(this.#shown)}` : `${text}\n`,
    );
  }

  /** Leaves the line as it is and goes to the next. */
  end(): void {
    if (this.#stream.isTTY && this.#shown !== '') this.#stream.write('\n');
  }

  /** What fits on one line of the terminal. */
  #clip(text: string): string {
    let clipped = text.slice(0, this.#stream.columns - 1);
    while (stringWidth(clipped) >= this.#stream.columns) clipped = clipped.slice(0, -1);
    return clipped;
  }
}
