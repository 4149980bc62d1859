import { readdirSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { Draws } from './draws.js';
import type { Board, Finding } from './run.js';
import { defectOf, MOST_BYTES, MOST_FILES } from './target.js';
import { groups } from './targets/index.js';

const { options, begun } = workerData as Board;
const { group, seed, inputs } = options;
const board = new Int32Array(begun);
const targets = await groups[group].open();
const faulty = new Set<string>();

for (let number = 0; number < inputs; number++) {
  Atomics.store(board, 0, number);
  const target = targets[number % targets.length];
  if (target === undefined || faulty.has(target.name)) continue;
  const input = target.input(new Draws(seed, target.name, number));
  // What is slow once may have waited for a processor: only what is slow each time is.
  let what = await defectOf(target, input);
  if (what?.startsWith('it took') === true)
    what = (await defectOf(target, input)) && (await defectOf(target, input));
  if (number % 1000 === 0) what ??= hoard();
  if (what === null) continue;
  faulty.add(target.name);
  const finding: Finding = {
    target: target.name,
    seed,
    number,
    what,
    input: input.toString('base64'),
  };
  parentPort?.postMessage(finding);
}
for (const target of targets) await target.close?.();

/** What the process holds that small inputs cannot be the reason of, or null. */
function hoard(): string | null {
  const { rss } = process.memoryUsage();
  if (rss > MOST_BYTES) return `the process takes ${rss} bytes`;
  const files = process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0;
  return files > MOST_FILES ? `the process has ${files} files open` : null;
}
