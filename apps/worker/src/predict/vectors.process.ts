// Answers a question about word vectors on stdout. Started by `ringmaster vectors`, with the question on stdin.
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { runProgram } from '@ringmaster/base';
import {
  analogyOf,
  neighboursOf,
  openVectors,
  writeVectors,
  type Neighbour,
  type VectorTable,
} from '@ringmaster/model/vectors';
import { MODEL_OPTIONS, openModel } from './opened-model.js';
import { tokenTable } from './token-table.js';
import { vectorsRequest, type VectorsRequest } from './vectors-request.js';

const { values } = parseArgs({
  options: {
    ...MODEL_OPTIONS,
    'vectors-file': { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

/** An answer as JSON, and as lines. */
interface Answer {
  readonly json: unknown;
  readonly lines: readonly string[];
}

async function answer(table: VectorTable, request: VectorsRequest): Promise<Answer> {
  switch (request.ask) {
    case 'neighbours': {
      const found = await neighboursOf(table, request.words, request.top);
      const lines = found.flatMap(({ word, neighbours }) => [
        ...(found.length === 1 ? [] : [`${word}:`]),
        ...linesOf(neighbours),
      ]);
      return { json: found, lines };
    }
    case 'analogy': {
      const found = await analogyOf(table, request.words, request.top);
      return { json: found, lines: linesOf(found) };
    }
    case 'convert': {
      const words = await writeVectors(request.path, table, request.form);
      const { dimensions } = table;
      process.stderr.write(`${words} words of ${dimensions} numbers are in ${request.path}.\n`);
      return { json: { path: request.path, form: request.form, words, dimensions }, lines: [] };
    }
  }
}

const linesOf = (neighbours: readonly Neighbour[]): string[] =>
  neighbours.map(({ word, similarity }) => `${similarity.toFixed(4).padStart(7)}  ${word}`);

await runProgram(async () => {
  const request = vectorsRequest.parse(JSON.parse(await text(process.stdin)));
  const path = values['vectors-file'];
  const table =
    path === undefined ? await tokenTable(await openModel(values)) : await openVectors(path);
  const { json, lines } = await answer(table, request);
  for (const notice of table.notices?.() ?? []) process.stderr.write(`warning: ${notice}\n`);
  if (values.json) process.stdout.write(`${JSON.stringify(json, null, 2)}\n`);
  else for (const line of lines) process.stdout.write(`${line}\n`);
});
