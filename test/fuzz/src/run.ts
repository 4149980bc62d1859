import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { groups, type Group } from './targets/index.js';

export interface RunOptions {
  readonly group: Group;
  readonly seed: number;
  readonly inputs: number;
}

/** An input that was not taken as it should. */
export interface Finding {
  readonly target: string;
  readonly seed: number;
  readonly number: number;
  readonly what: string;
  /** The input, in base64. */
  readonly input: string;
}

/** Longest that the thread may be silent about a new input. */
const SILENT_MS = 20_000;

/** Where the thread says how many inputs it has begun. */
export interface Board {
  readonly options: RunOptions;
  readonly begun: SharedArrayBuffer;
}

/**
 * Gives the inputs of a group to its targets in turn, on a thread that can be given up when it hangs.
 * @returns at most one finding a target
 */
export async function run(options: RunOptions): Promise<readonly Finding[]> {
  const begun = new SharedArrayBuffer(4);
  const board: Board = { options, begun };
  const program = fileURLToPath(new URL('./run.thread.js', import.meta.url));
  const thread = new Worker(program, { workerData: board });
  const findings: Finding[] = [];
  let last = -1;
  let since = performance.now();
  let watch: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      watch = setInterval(() => {
        const now = Atomics.load(new Int32Array(begun), 0);
        if (now !== last) {
          last = now;
          since = performance.now();
        } else if (performance.now() - since > SILENT_MS) {
          reject(new Error(`${options.group}, seed ${options.seed}: input ${now} hangs`));
        }
      }, 500);
      thread.on('message', (finding: Finding) => findings.push(finding));
      thread.on('error', reject);
      thread.on('exit', () => {
        resolve();
      });
    });
  } finally {
    clearInterval(watch);
    await thread.terminate();
  }
  return findings;
}

/** How the inputs of a run are shared among the groups. */
export function shares(inputs: number): readonly (readonly [Group, number])[] {
  return (Object.keys(groups) as Group[]).map((group) => [
    group,
    Math.round((inputs * groups[group].share) / 100),
  ]);
}
