import { readdirSync, readFileSync } from 'node:fs';
import { parseJobSpec, readJobFile, withOverrides } from '@ringmaster/protocol';
import { damaged } from '../bytes.js';
import type { Target } from '../target.js';
import { alteredOften } from '../values.js';

const recipes = new URL('../../../../recipes/', import.meta.url);
const texts = readdirSync(recipes)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => readFileSync(new URL(name, recipes)));
const [first = Buffer.alloc(0), ...others] = texts;
const dictionary = [
  ': ',
  '- ',
  '{',
  '[',
  '&a ',
  '*a',
  '<<: *a',
  '!!binary ',
  '|\n',
  '? ',
  '\t',
  '"',
  '%YAML',
  '---\n',
  '0x7fffffff',
  '1e999',
  '.nan',
  '2026-01-01',
  '\n  ',
].map((word) => Buffer.from(word));
const overrides = [
  'steps',
  'model.layers',
  'workers',
  'data.files',
  '__proto__.x',
  'constructor.prototype',
  'batch',
];

function submit(text: string): unknown {
  return parseJobSpec(readJobFile(text, 'job.yaml'));
}

export const jobFiles: readonly Target[] = [
  {
    name: 'job file: text',
    input: (draws) => damaged([first, ...others], dictionary, draws),
    take: (input) => submit(input.toString()),
  },
  {
    name: 'job file: values',
    input: (draws) => {
      const value = readJobFile(draws.of([first, ...others]).toString(), 'job.yaml');
      return Buffer.from(JSON.stringify(alteredOften(value, draws)));
    },
    take: (input) => submit(input.toString()),
  },
  {
    name: 'job file: overrides',
    input: (draws) => {
      const path = draws.of([
        overrides[draws.below(overrides.length)] ?? '',
        'optimizer.schedule.warmup',
      ]);
      return damaged([Buffer.from(`${path}=[1, {a: 2}]`)], dictionary, draws);
    },
    take: (input) => {
      const value = readJobFile(first.toString(), 'job.yaml');
      return parseJobSpec(withOverrides(value, [input.toString()]));
    },
  },
];
