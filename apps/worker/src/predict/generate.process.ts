// Goes on with a text on stdout. Started by `ringmaster generate`, with the request on stdin.
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { runProgram } from '@ringmaster/base';
import { RingmasterError } from '@ringmaster/protocol';
import { generate, readEnds } from '@ringmaster/tasks';
import { beginnings } from './beginnings.js';
import { cleaningOf } from './cleaning.js';
import { writtenOut } from './conversation.js';
import { generationRequest } from './generation-request.js';
import { MODEL_OPTIONS, openModel } from './opened-model.js';
import { loadServed } from './served-model.js';
import { writtenSoFar } from './written.js';

const { values } = parseArgs({
  options: { ...MODEL_OPTIONS, json: { type: 'boolean', default: false } },
});

await runProgram(async () => {
  const { from, ...wanted } = generationRequest.parse(JSON.parse(await text(process.stdin)));
  const { name, files, manifest } = await openModel(values);
  const served = await loadServed(name, files, cleaningOf(manifest));
  const { model, config, tokenizer } = served;
  const options = { ...wanted, constraints: config.constraints };
  const begin = beginnings[model.head];
  if (begin === undefined)
    throw new RingmasterError('MODEL_UNUSABLE', {
      model: name,
      reason: 'it does not predict the next token of a text, so it generates none',
    });
  const prompt =
    'prompt' in from
      ? { text: from.prompt, isWritten: false }
      : { text: await writtenOut(name, files, model.head, from.messages), isWritten: true };
  const { beginning, truncated } = begin(served, prompt);
  if (truncated && !values.json)
    process.stderr.write('The prompt is longer than the model reads: a part of it is left out.\n');
  const ends = await readEnds(files, config);
  let written = 0;
  const [generated] = generate(model, tokenizer, [beginning], ends, options, ([tokens = []]) => {
    if (values.json) return;
    const shown = writtenSoFar(tokenizer.decode(tokens), options.stop);
    process.stdout.write(shown.slice(written));
    written = Math.max(written, shown.length);
  });
  if (generated === undefined) return;
  const told = { ...generated, ...(truncated ? { truncated } : {}) };
  if (values.json) process.stdout.write(`${JSON.stringify(told)}\n`);
  else process.stdout.write(`${generated.text.slice(written)}\n`);
});
