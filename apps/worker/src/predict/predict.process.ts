// Answers lines on stdin, JSON or plain text, with JSON lines on stdout. Started by `ringmaster predict`.
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { runProgram } from '@ringmaster/base';
import { textLines } from '@ringmaster/data';
import type { Prediction } from '@ringmaster/tasks';
import { batches } from './batches.js';
import { cleaningOf } from './cleaning.js';
import { readLine, refused, type InputLine } from './input.js';
import { MODEL_OPTIONS, openModel } from './opened-model.js';
import { Predictor } from './predictor.js';

const { values } = parseArgs({
  options: {
    ...MODEL_OPTIONS,
    logits: { type: 'boolean', default: false },
    plain: { type: 'boolean', default: false },
  },
});

async function* inputLines({ queries }: Predictor): AsyncGenerator<InputLine> {
  for await (const found of textLines(process.stdin)) {
    const { line } = found;
    const read =
      'fault' in found
        ? refused(line, found.fault)
        : readLine(found.text, line, queries, values.plain);
    if (read !== null) yield read;
  }
}

await runProgram(async () => {
  const { name, files, manifest } = await openModel(values);
  const predictor = await Predictor.open(name, files, cleaningOf(manifest));
  for await (const batch of batches(inputLines(predictor), predictor.batch)) {
    const asked = batch.flatMap((each) => ('query' in each ? each : []));
    const predictions = predictor.predict(asked.map(({ query }) => query));
    const answers = new Map(asked.map(({ line }, index) => [line, predictions[index]]));
    for (const each of batch) {
      const found: Partial<Prediction> = answers.get(each.line) ?? {};
      const { logits, ...rest } = found;
      if ('error' in each) process.exitCode = 1;
      const answer = 'error' in each ? each : { line: each.line, ...rest };
      const shown = values.logits && logits !== undefined ? { ...answer, logits } : answer;
      if (!process.stdout.write(`${JSON.stringify(shown)}\n`)) await once(process.stdout, 'drain');
    }
  }
});
