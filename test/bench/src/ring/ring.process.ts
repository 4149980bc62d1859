/** One rank of our side of `ring`; see `ring.ts` for what it is told. */
import { createInterface } from 'node:readline';
import { Ring, SharedArena, SharedRegion } from '@ringmaster/allreduce';
import { randomKey, RandomStream } from '@ringmaster/base';
import { z } from 'zod';
import type { Turn } from '../contestant.js';

const settings = z
  .object({
    rank: z.int(),
    size: z.int(),
    bytes: z.int(),
    /** The address to listen at. */
    host: z.string(),
    /** Whether neighbours read each other's memory, as trainers of one host do. */
    shared: z.boolean(),
    /** Whether integers are as wide as those of gradients, or need all of their bits. */
    narrow: z.boolean(),
    /** Whether frames are sealed, as between hosts. */
    seal: z.boolean(),
  })
  .parse(JSON.parse(process.argv[2] ?? 'null'));
const { rank, size, bytes, host, shared, narrow, seal } = settings;

const room = 2 * bytes + 128;
const arena = SharedArena.create(2 * SharedRegion.size(room) + bytes + 16 * 2 ** 20);
const region = shared ? SharedRegion.create(arena, room) : null;
if (shared && region === null) throw new Error('there is no room in /dev/shm');
const place = region ?? arena;
// Two alternate, as in a trainer: a neighbour may still be receiving the one before.
const buffers = [place.allocate(bytes), place.allocate(bytes)] as const;
const summands = arena.int32(arena.allocate(bytes), bytes / 4);
const ring = await Ring.bind({
  run: 'bench',
  generation: 1,
  rank,
  size,
  arena,
  host,
  region,
  seal,
});
let operations = 0;

/** Quantised gradients of the models of `train` need 17 to 19 bits in the mean, by tensor and row; so do these. */
const NARROWEST_DEVIATION = 12;
const WIDEST_DEVIATION = 19;
const ROW = 4_096;

/** Draws integers: normal, each row with a deviation of its own, or of any width. */
function draw(values: Int32Array): void {
  const stream = new RandomStream(randomKey(rank, 'summands'));
  const exponents = WIDEST_DEVIATION - NARROWEST_DEVIATION + 1;
  for (let k = 0; k < values.length; k++) {
    const deviation = 2 ** (NARROWEST_DEVIATION + (Math.floor(k / ROW) % exponents));
    values[k] = narrow
      ? Math.round(stream.normal(k) * deviation)
      : (stream.uniform(k) - 0.5) * 2 ** 32;
  }
}

/** One operation on the first `length` summands; what is timed is the operation alone. */
async function allReduce(length: number): Promise<Turn & { readonly sums: Int32Array }> {
  const step = operations++;
  const offset = buffers[step % 2 === 0 ? 0 : 1];
  const sums = arena.int32(offset, length);
  sums.set(summands.subarray(0, length));
  const started = performance.now();
  const processor = process.cpuUsage();
  await ring.allReduce({ step, attempt: 0, ranges: [{ offset, length }] });
  const { user, system } = process.cpuUsage(processor);
  const seconds = (performance.now() - started) / 1000;
  return { seconds, processorSeconds: (user + system) / 1e6, sums };
}

async function connect(endpoints: readonly string[]): Promise<void> {
  await ring.connect(endpoints, { deadlineMs: 60_000 });
  summands.fill(rank + 1);
  const { sums } = await allReduce(bytes / 4);
  const expected = (size * (size + 1)) / 2;
  if (!sums.every((sum) => sum === expected)) throw new Error('the sum is wrong');
  draw(summands);
}

async function takeTurn(count: number, length: number): Promise<Turn> {
  const turn = { seconds: 0, processorSeconds: 0 };
  for (let operation = 0; operation < count; operation++) {
    const { seconds, processorSeconds } = await allReduce(length);
    turn.seconds += seconds;
    turn.processorSeconds += processorSeconds;
  }
  return turn;
}

const lineSchema = z.union([
  z.object({ endpoints: z.array(z.string()) }),
  z.object({ operations: z.int().positive(), bytes: z.int().positive() }),
]);
const answer = (message: object) => process.stdout.write(`${JSON.stringify(message)}\n`);

answer({ endpoint: ring.endpoint });
for await (const text of createInterface({ input: process.stdin })) {
  const line = lineSchema.parse(JSON.parse(text));
  if ('endpoints' in line) {
    await connect(line.endpoints);
    answer({});
  } else answer(await takeTurn(line.operations, line.bytes / 4));
}
await ring.close();
