/** Our side of `generate`: writes a model of random weights for its peer, then goes on with prompts, a batch for each line on stdin. */
import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { loadTokenizer, trainTokenizer } from '@ringmaster/data';
import { initialValues, Model, writeHuggingFace, type ModelConfig } from '@ringmaster/model';
import { generate, greedy } from '@ringmaster/tasks';
import { Runtime } from '@ringmaster/tensorflow';
import { z } from 'zod';
import { spelling } from '../data/corpus.js';
import type { GeneratedTurn, GenerateReady } from './generate.js';

const settings = z
  .object({ directory: z.string(), config: z.custom<ModelConfig>(), seed: z.int() })
  .parse(JSON.parse(process.argv[2] ?? 'null'));
const lineSchema = z.object({
  prompts: z.array(z.array(z.int())).min(1),
  tokens: z.int().positive(),
});

const answer = (message: GenerateReady | GeneratedTurn) =>
  process.stdout.write(`${JSON.stringify(message)}\n`);

const { directory, config, seed } = settings;
const { vocabulary } = config;
const runtime = Runtime.open();
const model = new Model(runtime, config, 'causal-language-model');
const values = new Map(
  model.parameters.map((parameter) => [parameter.name, initialValues(parameter, seed)]),
);
const valuesOf = (name: string) => values.get(name) ?? new Float32Array();
model.load(valuesOf);
await writeHuggingFace(
  directory,
  {
    model: config,
    head: 'causal-language-model',
    labels: null,
    scoring: null,
    tokens: { padding: 0, begin: null, end: null },
  },
  model.parameters.map(({ name, shape }) => ({ name, shape, data: valuesOf(name) })),
);
const words = Array.from({ length: 4000 }, (_, word) => spelling(word)).join(' ');
const json = trainTokenizer([words], { algorithm: 'bpe', vocabulary, lowercase: true });
await writeFile(join(directory, 'tokenizer.json'), json);
const tokenizer = loadTokenizer(json);
answer({
  parameters: model.parameters.reduce(
    (sum, { shape }) => sum + shape.reduce((product, extent) => product * extent, 1),
    0,
  ),
  versions: { tensorflow: runtime.version, node: process.versions.node },
});

const options = { ...greedy, beams: 1, stop: [], seed: 0 };
for await (const text of createInterface({ input: process.stdin })) {
  const { prompts, tokens } = lineSchema.parse(JSON.parse(text));
  const processor = process.cpuUsage();
  const started = performance.now();
  const beginnings = prompts.map((prompt) => ({ tokens: prompt }));
  const made = generate(model, tokenizer, beginnings, [], { ...options, maxTokens: tokens });
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(processor);
  answer({
    seconds,
    processorSeconds: (user + system) / 1e6,
    made: made.map((each) => [...each.tokens]),
  });
}
