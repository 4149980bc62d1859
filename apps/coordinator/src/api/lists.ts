import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Turns } from './turns.js';

/** Items that are read and written in one turn of the event loop. */
const BATCH = 100;
/** Most items of one answer. */
export const MOST_LISTED = 1000;

/** Query of a list that is read in pages, newest first. */
export const pageQuery = z.object({
  limit: z.coerce
    .number()
    .int()
    .positive()
    .max(MOST_LISTED)
    .default(200)
    .describe('How many at most. Fewer come only where there are no more.'),
  before: z
    .string()
    .optional()
    .describe('Go on behind this one: the id of the last that an answer had.'),
});

/** Reads a page in batches, the next one behind the last item of the one before. */
export async function* batchesOf<Item extends { readonly id: string | number }>(
  limit: number,
  before: string | null,
  turns: Turns,
  read: (limit: number, before: string | null) => readonly Item[],
): AsyncGenerator<readonly Item[]> {
  let behind = before;
  for (let left = limit; left > 0;) {
    const wanted = Math.min(BATCH, left);
    await turns.next();
    const items = read(wanted, behind);
    yield items;
    if (items.length < wanted) return;
    left -= items.length;
    behind = String(items.at(-1)?.id);
  }
}

/** Answers with a JSON list, of which no more than a batch is held in memory. */
export function sendList(
  reply: FastifyReply,
  batches: AsyncIterable<readonly unknown[]>,
): FastifyReply {
  return reply.type('application/json; charset=utf-8').send(Readable.from(jsonOf(batches)));
}

async function* jsonOf(batches: AsyncIterable<readonly unknown[]>): AsyncGenerator<string> {
  let before = '[';
  for await (const batch of batches) {
    if (batch.length === 0) continue;
    yield before + batch.map((item) => JSON.stringify(item)).join(',');
    before = ',';
  }
  yield before === '[' ? '[]' : ']';
}
