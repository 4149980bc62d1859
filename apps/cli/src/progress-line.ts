import type { JobView } from '@ringmaster/protocol';
import { formatCount, formatFigure, formatSeconds } from './output.js';

/** How often plain lines are written where there is no terminal to rewrite one on. */
const PLAIN_MS = 5000;

/** One line of text on how a job stands. */
function describeJob(job: JobView): string {
  const { state, step, steps, loss, etaSeconds, progress } = job;
  const { tokensPerSecond } = job.throughput;
  const isRunning = state === 'running';
  const parts = [
    `${job.name} ${state}`,
    steps === null || step === 0 ? null : `step ${step}/${steps}`,
    loss === null ? null : `loss ${formatFigure(loss) ?? ''}`,
    job.evaluation === null ? null : `validation ${formatFigure(job.evaluation.loss) ?? ''}`,
    !isRunning || tokensPerSecond === null ? null : `${formatCount(tokensPerSecond)} tokens/s`,
    !isRunning || etaSeconds === null ? null : `ETA ${formatSeconds(etaSeconds)}`,
    progress,
    state === 'paused' ? `goes on with: ringmaster resume ${job.id}` : null,
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
    const text = describeJob(job);
    if (text === this.#shown) return;
    if (this.#stream.isTTY) {
      this.#stream.write(`\r\u001b[K${this.#clip(text)}`);
    } else {
      const now = performance.now();
      if (job.state === this.#state && now - this.#shownAt < PLAIN_MS) return;
      this.#shownAt = now;
      this.#stream.write(`${text}\n`);
    }
    this.#shown = text;
    this.#state = job.state;
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
    return text.slice(0, this.#stream.columns - 1);
  }
}
