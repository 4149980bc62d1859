// Goes on with a text on stdout. Started by `ringmaster generate`, with the request on stdin.
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { runProgram } from '@ringmaster/base';
import { generationRequest } from './generation-request.js';
import { MODEL_OPTIONS, openModel } from './opened-model.js';
import { TextModel } from './text-model.js';
import { writtenSoFar } from './written.js';

const { values } = parseArgs({
  options: { ...MODEL_OPTIONS, json: { type: 'boolean', default: false } },
});

await runProgram(async () => {
  const { from, ...options } = generationRequest.parse(JSON.parse(await text(process.stdin)));
  const model = await TextModel.load(await openModel(values));
  const { beginning, truncated } = await model.begin(from);
  if (truncated && !values.json)
    process.stderr.write('The prompt is longer than the model reads: a part of it is left out.\n');
  let written = 0;
  const generated = model.generate(beginning, options, ([tokens = []]) => {
    if (values.json) return;
    const shown = writtenSoFar(model.decode(tokens), options.stop);
    process.stdout.write(shown.slice(written));
    written = Math.max(written, shown.length);
  });
  if (generated === undefined) return;
  const told = { ...generated, ...(truncated ? { truncated } : {}) };
  if (values.json) process.stdout.write(`${JSON.stringify(told)}\n`);
  else process.stdout.write(`${generated.text.slice(written)}\n`);
});
