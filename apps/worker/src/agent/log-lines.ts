import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { isChatter } from '@ringmaster/tensorflow';

const FLUSH_MS = 200;
const BATCH_LINES = 200;
const LONGEST_LINE = 16_384;
const LAST_LINES = 40;

/** pino's levels for a line that does not say its own. */
const LEVEL = { stdout: 30, stderr: 40 } as const;

/** Gathers what a trainer writes, line by line and without TensorFlow's chatter, into batches of JSON lines. */
export class LogLines {
  readonly #onBatch: (lines: string[]) => void;
  readonly #last: string[] = [];
  #batch: string[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(onBatch: (lines: string[]) => void) {
    this.#onBatch = onBatch;
  }

  /** The last lines, as the process wrote them. */
  get last(): readonly string[] {
    return this.#last;
  }

  read(stream: Readable, name: keyof typeof LEVEL): void {
    const lines = createInterface({ input: stream, crlfDelay: Infinity });
    lines.on('line', (line) => {
      this.add(line, LEVEL[name]);
    });
  }

  /** Adds a line; what is not a JSON object becomes the message of one. */
  add(line: string, level: number): void {
    if (line === '' || isChatter(line)) return;
    const text = line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)}…` : line;
    this.#last.push(text);
    if (this.#last.length > LAST_LINES) this.#last.shift();
    this.#batch.push(
      isJsonObject(text) ? text : JSON.stringify({ level, time: Date.now(), msg: text }),
    );
    if (this.#batch.length >= BATCH_LINES) this.flush();
    else
      this.#timer ??= setTimeout(() => {
        this.flush();
      }, FLUSH_MS);
  }

  /** Begins anew: what was written before is handed on, and is none of the last lines any more. */
  restart(): void {
    this.flush();
    this.#last.splice(0);
  }

  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    this.#batch = [];
    this.#onBatch(batch);
  }
}

function isJsonObject(line: string): boolean {
  if (!line.startsWith('{')) return false;
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}
