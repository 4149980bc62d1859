/** How far a phase is: `done` of `total`, in bytes; a phase without a measure has a total of zero. */
export interface Progress {
  readonly phase: string;
  readonly done: number;
  readonly total: number;
}

export type Report = (progress: Progress) => void;

/** One line about a phase, with percent and ETA. */
export function progressLine({ phase, done, total }: Progress, elapsedMs: number): string {
  if (total === 0) return phase;
  const fraction = Math.min(1, done / total);
  const size = `${megabytes(done)}/${megabytes(total)} MB`;
  const percent = `${Math.floor(fraction * 100)}%`;
  if (fraction === 1) return `${phase}: 100% ${size}`;
  const etaSeconds = fraction > 0 ? Math.ceil((elapsedMs * (1 / fraction - 1)) / 1000) : null;
  return `${phase}: ${percent} ${size}` + (etaSeconds === null ? '' : `, ${etaSeconds}s left`);
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}

/**
 * Prints progress to a stream: one line rewritten in place on a terminal, else a plain line for each phase's start,
 * each tenth and its end.
 */
export function progressPrinter(stream: NodeJS.WriteStream, now: () => number = Date.now): Report {
  let phase = '';
  let startedMs = 0;
  let printedMs = 0;
  let tenth = -1;
  return (progress) => {
    const nowMs = now();
    const fresh = progress.phase !== phase;
    if (fresh) {
      phase = progress.phase;
      startedMs = nowMs;
      tenth = -1;
    }
    const line = progressLine(progress, nowMs - startedMs);
    const finished = progress.total === 0 || progress.done >= progress.total;
    if (stream.isTTY) {
      if (!fresh && !finished && nowMs - printedMs < 100) return;
      printedMs = nowMs;
      stream.write(`\r\x1b[K${line}${finished ? '\n' : ''}`);
      return;
    }
    const reached = progress.total === 0 ? 10 : Math.floor((progress.done / progress.total) * 10);
    if (reached <= tenth) return;
    tenth = reached;
    stream.write(`${line}\n`);
  };
}
