/** One rank of our side of `ring`; see `ring.ts` for what it is told. */
import { createInterface } from 'node:readline';
import { Ring, SharedArena, SharedRegion } from '@ringmaster/allreduce';
import { z } from 'zod';
import type { Turn } from './contestant.js';

const settings = z
  .object({
    rank: z.int(),
    size: z.int(),
    bytes: z.int(),
    /** Whether neighbours read each other's memory, as trainers of one host do. */
    shared: z.boolean(),
    curve: z
      .object({ publicKey: z.string(), secretKey: z.string(), peers: z.array(z.string()) })
      .optional(),
  })
  .parse(JSON.parse(process.argv[2] ?? 'null'));
const { rank, size, bytes, shared, curve } = settings;

const room = 2 * bytes + 128;
const arena = SharedArena.create(2 * SharedRegion.size(room) + 16 * 2 ** 20);
const region = shared ? SharedRegion.create(arena, room) : null;
if (shared && region === null) throw new Error('there is no room in /dev/shm');
const place = region ?? arena;
// Two alternate, as in a trainer: a neighbour may still be receiving the one before.
const buffers = [place.allocate(bytes), place.allocate(bytes)] as const;
const ring = await Ring.bind({
  run: 'bench',
  generation: 1,
  rank,
  size,
  arena,
  transport: 'tcp',
  region,
  ...(curve === undefined ? {} : { curve }),
});
let operations = 0;

async function allReduce(length: number): Promise<number> {
  const step = operations++;
  const offset = buffers[step % 2 === 0 ? 0 : 1];
  await ring.allReduce({ step, attempt: 0, ranges: [{ offset, length }] });
  return offset;
}

async function connect(endpoints: readonly string[]): Promise<void> {
  await ring.connect(endpoints, { deadlineMs: 60_000 });
  const length = bytes / 4;
  arena.int32(buffers[0], length).fill(rank + 1);
  const sums = arena.int32(await allReduce(length), length);
  const expected = (size * (size + 1)) / 2;
  if (!sums.every((sum) => sum === expected)) throw new Error('the sum is wrong');
}

async function takeTurn(count: number, length: number): Promise<Turn> {
  const started = performance.now();
  const processor = process.cpuUsage();
  for (let operation = 0; operation < count; operation++) await allReduce(length);
  const { user, system } = process.cpuUsage(processor);
  return {
    seconds: (performance.now() - started) / 1000,
    processorSeconds: (user + system) / 1e6,
  };
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
