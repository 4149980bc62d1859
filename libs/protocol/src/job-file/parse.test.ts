import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RingmasterError } from '../errors/registry.js';
import { parseJobSpec, readJobFile, withOverrides } from './parse.js';
import { architectures } from './models/models.js';
import { jobFileJsonSchema, tokenizerOf } from './schema.js';
import { needsOf } from './tasks.js';
import { specHash } from './spec-hash.js';

const text = `
kind: pretrain
name: mail-bert
model: { architecture: bert, layers: 4, hidden: 256, heads: 4, context: 128 }
tokenizer: { algorithm: wordpiece, vocabulary: 8192 }
data: { corpus: spam-assassin }
objective: masked-language-model
batch: { sequences: 64, microbatches: 8 }
optimizer: { algorithm: adamw, learningRate: 5e-4, weightDecay: 0.01, clip: 1.0, schedule: { warmup: 0.1, decay: linear } }
steps: 300
precision: float32
workers: { min: 1, max: 8, threads: 1 }
checkpoint: { every: 50, keep: 3 }
evaluation: { every: 50, fraction: 0.02 }
priority: 0
seed: 7
`;
const example = () => readJobFile(text, 'mail-bert.yaml');

function failure(run: () => unknown): RingmasterError {
  try {
    run();
  } catch (error) {
    if (RingmasterError.is(error)) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('parseJobSpec', () => {
  it('reads the example and fills the defaults in', () => {
    const spec = parseJobSpec(example());
    expect(spec.kind).toBe('pretrain');
    expect(spec.optimizer).toMatchObject({ beta2: 0.999 });
    expect(spec.seed).toBe(7);
  });

  it.each([
    ['stepz=3', 'stepz', 'steps'],
    ['optimizer.momentum=0.9', 'optimizer.momentum', null],
    ['optimizer={learningRate: 0.1, beta3: 0.9}', 'optimizer.beta3', 'beta1'],
    [
      'optimizer={algorithm: sgd, learningRate: 0.1, momentun: 0.9}',
      'optimizer.momentun',
      'momentum',
    ],
    ['model.layer=3', 'model.layer', 'layers'],
    ['optimizer.schedule.warmUp=3', 'optimizer.schedule.warmUp', 'warmup'],
    ['qqqqqqq=3', 'qqqqqqq', null],
    ['data={sources: [{files: a, weigth: 1}]}', 'data.sources.0.weigth', 'weight'],
  ])('names the unknown key of %s and the nearest valid one', (override, key, nearestKey) => {
    const error = failure(() => parseJobSpec(withOverrides(example(), [override])));
    expect(error.code).toBe('JOB_FILE_UNKNOWN_KEY');
    expect(error.detail).toEqual({ key, nearest: nearestKey });
    expect(error.exit).toBe(2);
  });

  it.each([
    [{}, { algorithm: 'adamw', weightDecay: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }],
    [
      { algorithm: 'adam' },
      { algorithm: 'adam', weightDecay: 0, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
    ],
    [
      { algorithm: 'sgd', momentum: 0.9 },
      { algorithm: 'sgd', weightDecay: 0, momentum: 0.9, nesterov: false },
    ],
    [{ algorithm: 'lion' }, { algorithm: 'lion', weightDecay: 0.01, beta1: 0.9, beta2: 0.99 }],
    [
      { algorithm: 'adafactor' },
      {
        algorithm: 'adafactor',
        relativeStep: false,
        warmupInit: false,
        scaleParameter: true,
        clipThreshold: 1,
        decayRate: -0.8,
        epsilon: 1e-30,
        epsilonScale: 1e-3,
        weightDecay: 0,
      },
    ],
    [
      { algorithm: 'muon' },
      {
        algorithm: 'muon',
        momentum: 0.95,
        nesterov: true,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        weightDecay: 0.1,
      },
    ],
  ])('gives the optimizer %j the keys of its algorithm', (given, expected) => {
    const job = { ...(example() as object), optimizer: { learningRate: 0.1, ...given } };
    const common = { learningRate: 0.1, clip: 1, schedule: { warmup: 0.1, decay: 'linear' } };
    expect(parseJobSpec(job).optimizer).toEqual({ ...common, ...expected });
  });

  it('gives a relative step no learning rate and no schedule, also when it is parsed again', () => {
    const optimizer = { algorithm: 'adafactor', relativeStep: true };
    const spec = parseJobSpec({ ...(example() as object), optimizer });
    expect(spec.optimizer).not.toHaveProperty('learningRate');
    expect(spec.optimizer).not.toHaveProperty('schedule');
    expect(parseJobSpec(spec)).toEqual(spec);
  });

  it.each([
    ['steps=many', 'steps'],
    ['steps=0', 'steps'],
    ['optimizer.epsilon=1e-46', 'optimizer.epsilon'],
    ['optimizer.epsilon=2', 'optimizer.epsilon'],
    ['optimizer.algorithm=lamb', 'optimizer.algorithm'],
    ['optimizer={algorithm: sgd, learningRate: 0.1, nesterov: true}', 'optimizer.nesterov'],
    ['optimizer={algorithm: adafactor}', 'optimizer.learningRate'],
    [
      'optimizer={algorithm: adafactor, relativeStep: true, learningRate: 0.1}',
      'optimizer.learningRate',
    ],
    [
      'optimizer={algorithm: adafactor, learningRate: 0.1, warmupInit: true}',
      'optimizer.warmupInit',
    ],
    [
      'optimizer={algorithm: adafactor, relativeStep: true, schedule: {decay: linear}}',
      'optimizer.schedule',
    ],
    ['ema.decay=1', 'ema.decay'],
    ['ema={evaluate: false, export: false}', 'ema'],
    ['model.hidden=255', 'model.hidden'],
    ['batch.sequences=63', 'batch.sequences'],
    ['batch.microbatches=1025', 'batch.microbatches'],
    ['model.architecture=xlnet', 'model.architecture'],
    ['model.architecture=t5', 'objective'],
    ['model.architecture=null', 'model.architecture'],
    ['optimizer.schedule.power=3', 'optimizer.schedule.power'],
    ['optimizer.schedule={decay: cosine, cooldown: 0.1}', 'optimizer.schedule.cooldown'],
    ['optimizer.schedule={decay: constant, floor: 0.1}', 'optimizer.schedule.floor'],
    ['objective=causal-language-model', 'objective'],
    ['workers.min=9', 'workers.min'],
    ['data={}', 'data.corpus'],
    ['kind=pretrian', 'kind'],
    ['name=../../x', 'name'],
  ])('refuses %s by the key %s', (override, key) => {
    const error = failure(() => parseJobSpec(withOverrides(example(), [override])));
    expect(error.code).toBe('JOB_FILE_INVALID');
    expect(error.detail).toMatchObject({ key });
  });

  it.each([
    ['steps=1.5', 'must be a whole number, not 1.5'],
    [
      'optimizer.algorithm=sgdd',
      "must be 'adamw', 'adam', 'sgd', 'lion', 'adafactor' or 'muon', not 'sgdd'; did you mean 'sgd'?",
    ],
    ['steps=many', "must be a number, not 'many'"],
    ['name=3', 'must be text, not 3'],
    ['model=[]', 'must be a section of keys and values, not an empty list'],
    ['steps=0', 'must be more than 0, not 0'],
    ['model.context=2', 'must be at least 8, not 2'],
    ['optimizer={}', 'is required'],
    ['optimizer.epsilon=1e-46', 'must be at least 1.1754943508222875e-38, not 1e-46'],
    ['kind=pretrian', "must be 'pretrain' or 'finetune', not 'pretrian'; did you mean 'pretrain'?"],
    ['data.test=true', 'must be a number, text or a list, not true'],
    ['data.test=[]', 'must not be empty'],
    ['data.test=[a, 1]', 'must be text, not 1'],
  ])('says of %s that it %s', (override, reason) => {
    const error = failure(() => parseJobSpec(withOverrides(example(), [override])));
    expect(error.detail).toMatchObject({ reason });
  });

  it('takes a base in place of a model and a tokenizer, also to pretrain', () => {
    const { model, tokenizer, steps: _, ...rest } = example() as Record<string, unknown>;
    const job = { ...rest, base: 'other' };
    const lora = { tuning: { lora: {} } };
    expect(parseJobSpec({ ...job, ...lora, epochs: 2 })).toMatchObject({
      base: 'other',
      epochs: 2,
    });
    const wrong: [object, string][] = [
      [{ ...job, model, tokenizer }, 'base'],
      [{ ...job, base: '' }, 'base'],
      [{ ...rest, tokenizer }, 'base'],
      [{ ...job, tokenizer }, 'tokenizer'],
      [{ ...rest, model }, 'tokenizer'],
      [{ ...rest, ...lora, model, tokenizer }, 'tuning.lora'],
    ];
    for (const [changes, key] of wrong)
      expect(failure(() => parseJobSpec({ ...changes, steps: 2 })).detail).toMatchObject({ key });
    for (const length of [{}, { steps: 2, epochs: 2 }])
      expect(failure(() => parseJobSpec({ ...job, ...length })).detail).toMatchObject({
        key: 'epochs',
      });
  });

  it.each(['f2', 'f1'])(
    'refuses to stop early by %s, and says which metrics there are',
    (metric) => {
      const stopping = (value: string) =>
        parseJobSpec(
          withOverrides(example(), [
            'evaluation.every=10',
            'earlyStopping.patience=2',
            `earlyStopping.metric=${value}`,
          ]),
        );
      expect(failure(() => stopping(metric)).detail).toMatchObject({
        key: 'earlyStopping.metric',
        reason: 'masked-language-model has loss, accuracy',
      });
      expect(stopping('accuracy').earlyStopping?.metric).toBe('accuracy');
    },
  );
  it('names every architecture that there is, and the nearest one', () => {
    const error = failure(() => parseJobSpec(withOverrides(example(), ['model.architecture=brt'])));
    const { reason } = error.detail as { reason: string };
    expect(reason).toMatch(/not 'brt'; did you mean 'bert'\?$/);
    for (const name of architectures) expect(reason).toContain(`'${name}'`);
  });

  it.each(['cnn', 'lstm', 'mean-embeddings'])(
    'does not pretrain a %s, and says which families it does',
    (architecture) => {
      const model = { architecture, hidden: 8, context: 16 };
      const { detail } = failure(() => parseJobSpec({ ...(example() as object), model }));
      expect(detail).toMatchObject({ key: 'model.architecture' });
      const { reason } = detail as { reason: string };
      expect(reason).toContain(`a ${architecture} is not pretrained`);
      expect(reason).toContain('kind: finetune; masked-language-model takes ');
      expect(reason).not.toContain(`, ${architecture}`);
    },
  );

  it('tells all faults at once, the first of them in full', () => {
    const overrides = ['stepz=3', 'model.layer=3', 'steps=0', 'optimizer.epsilon=2'];
    const error = failure(() => parseJobSpec(withOverrides(example(), overrides)));
    expect(error.message).toMatch(/^Job file has an unknown key '.*'; did you mean '.*'\?; /);
    for (const key of ['stepz', 'model.layer', 'steps', 'optimizer.epsilon'])
      expect(error.message).toContain(`'${key}'`);
  });

  it('never throws anything but its own errors, whatever the value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(failure(() => parseJobSpec(value))).toBeInstanceOf(RingmasterError);
      }),
    );
  });
});

describe('sequence to sequence', () => {
  const t5 = { architecture: 't5', layers: 2, hidden: 32, heads: 2, context: 32 };
  const pairs = {
    kind: 'pretrain',
    name: 'notes',
    model: t5,
    tokenizer: { algorithm: 'bpe', vocabulary: 400 },
    data: { files: 'pairs.jsonl', columns: { source: 'note', target: 'summary' } },
    objective: 'sequence-to-sequence',
    batch: { sequences: 8, microbatches: 4 },
    optimizer: { learningRate: 1e-3 },
    steps: 10,
  };
  const { objective: _, ...rest } = pairs;
  const finetune = {
    ...rest,
    kind: 'finetune',
    task: 'sequence-to-sequence',
    data: { ...pairs.data, test: 0.1 },
  };

  it('is what an encoder–decoder is trained for, from nothing or from a base', () => {
    const spec = parseJobSpec(pairs);
    expect(spec.model).toEqual({ ...t5, feedForward: 'relu', tied: true, dropout: 0.1 });
    expect(needsOf(spec)).toEqual({ source: 'required', target: 'required' });
    expect(tokenizerOf(spec)).toMatchObject({ special: 'roberta' });
    expect(parseJobSpec(finetune)).toMatchObject({ task: 'sequence-to-sequence' });
    const { model: __, tokenizer: ___, ...based } = finetune;
    expect(parseJobSpec({ ...based, base: './t5' })).toMatchObject({ base: './t5' });
  });

  it.each([
    [pairs, 'objective=masked-language-model', 'objective'],
    [pairs, 'model.architecture=bert', 'objective'],
    [pairs, 'model.heads=3', 'model.hidden'],
    [pairs, 'data.columns={text: note}', 'data.columns.text'],
    [finetune, 'model.architecture=bert', 'model.architecture'],
    [finetune, 'task=text-classification', 'model.architecture'],
  ])('of %j is refused with %s by the key %s', (job, override, key) => {
    const error = failure(() => parseJobSpec(withOverrides(job, [override])));
    expect(error.detail).toMatchObject({ key });
  });
});

describe('span corruption', () => {
  const job = {
    kind: 'pretrain',
    name: 'notes',
    model: { architecture: 't5', layers: 2, hidden: 32, heads: 2, context: 512 },
    tokenizer: { algorithm: 'unigram', vocabulary: 1000 },
    data: { files: 'notes.txt' },
    objective: 'span-corruption',
    batch: { sequences: 8, microbatches: 4 },
    optimizer: { learningRate: 1e-3 },
    steps: 10,
  };

  it('trains a T5 of texts, with the sentinels of T5 unless told otherwise', () => {
    const spec = parseJobSpec(job);
    expect(needsOf(spec)).toEqual({ text: 'required', class: 'found' });
    expect(tokenizerOf(spec)).toMatchObject({ sentinels: 100, special: 'roberta' });
    const other = parseJobSpec(withOverrides(job, ['tokenizer.sentinels=40']));
    expect(tokenizerOf(other)).toMatchObject({ sentinels: 40 });
  });

  it.each([
    ['tokenizer.algorithm=bpe', 'tokenizer.algorithm'],
    ['tokenizer.sentinels=27', 'tokenizer.sentinels'],
    ['model.context=4096', 'tokenizer.sentinels'],
    ['tokenizer.vocabulary=399', 'tokenizer.vocabulary'],
    ['model.architecture=bart', 'objective'],
    ['model.architecture=bert', 'objective'],
  ])('is refused with %s by the key %s', (override, key) => {
    const error = failure(() => parseJobSpec(withOverrides(job, [override])));
    expect(error.detail).toMatchObject({ key });
  });

  it('names the families of an objective that only some of a kind have', () => {
    const description = JSON.stringify(jobFileJsonSchema());
    expect(description).toContain('sequence-to-sequence for t5, bart, marian;');
    expect(description).toContain('span-corruption for t5;');
    expect(description).toContain('negative-sampling for word2vec.');
  });
});

describe('tokenizerOf', () => {
  const classifier = {
    kind: 'finetune',
    name: 'mail',
    model: { architecture: 'bert', layers: 1, hidden: 16, heads: 2, context: 32 },
    tokenizer: { algorithm: 'bpe', vocabulary: 300 },
    data: { files: 'rows.csv', test: 0.2 },
    task: 'text-classification',
    epochs: 1,
    optimizer: { learningRate: 1e-3 },
  };

  it('gives every model either tokenizer, and a byte-level one the tokens that its objective needs', () => {
    const causal = ['model.architecture=gpt', 'objective=causal-language-model'];
    const special = (...overrides: string[]) =>
      tokenizerOf(parseJobSpec(withOverrides(example(), overrides)))?.special;
    expect(special()).toBeUndefined();
    expect(special('tokenizer.algorithm=bpe')).toBe('roberta');
    expect(special(...causal)).toBeUndefined();
    expect(special(...causal, 'tokenizer.algorithm=bpe')).toBeUndefined();
    // What jobs were prepared with before stays what it is.
    expect(tokenizerOf(parseJobSpec(classifier))).toEqual(parseJobSpec(classifier).tokenizer);
  });

  it("has none for a job that takes its base's", () => {
    const { model: _, tokenizer: __, ...rest } = classifier;
    expect(tokenizerOf(parseJobSpec({ ...rest, base: 'other' }))).toBeNull();
  });
});

describe('readJobFile', () => {
  it.each(['', '- 1', 'a: [', 'just words', 'a: 1\na: 2', 'a: &x 1\nb: *x'])(
    'refuses %j',
    (bad) => {
      expect(failure(() => readJobFile(bad, 'bad.yaml')).code).toBe('JOB_FILE_UNREADABLE');
    },
  );
});

it.each([
  ['name: a\n---\nname: b\n', 'it holds a second document at line 2'],
  ...[100, 1000, 1500, 20_000].flatMap((depth) => [
    [`name: ${'['.repeat(depth)}`, 'it is nested too deeply'],
    [`{"name":${'['.repeat(depth)}${']'.repeat(depth)}}`, 'it is nested too deeply'],
    [`name:\n  ${'- '.repeat(depth)}x`, 'it is nested too deeply'],
  ]),
  ['name: &a [b]\nkind: *a\n', 'aliases are not supported'],
])('tells in words of job files what is wrong: %#', (bad = '', reason = '') => {
  const { message } = failure(() => readJobFile(bad, 'bad.yaml'));
  expect(message).toContain(reason);
});

it('says where the first thing is that cannot be understood', () => {
  const error = failure(() => readJobFile('name: a\nsteps: [1, }\nseed: [', 'bad.yaml'));
  expect(error.message).toMatch(/ at line 2, column 12\b/);
});

describe('withOverrides', () => {
  it('removes a key that is set to null, and makes nothing for one that is missing', () => {
    const removed = withOverrides(example(), ['steps=null', 'optimizer.clip=null', 'a.b.c=null']);
    const { steps: _, ...rest } = example() as Record<string, unknown>;
    const { clip: __, ...optimizer } = rest['optimizer'] as Record<string, unknown>;
    expect(removed).toEqual({ ...rest, optimizer });
  });

  it('sets a key whatever it is called, and touches nothing else', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 3 }), (keys) => {
        const path = keys.map((key) => key.replaceAll(/[.=]/g, '_'));
        const set = withOverrides({}, [`${path.join('.')}=1`]);
        const found = path.reduce<unknown>(
          (value, key) => Object.getOwnPropertyDescriptor(value, key)?.value as unknown,
          set,
        );
        expect(found).toBe(1);
        expect(withOverrides(set, [`${path.join('.')}=null`])).not.toEqual(set);
        expect(({} as Record<string, unknown>)['__proto__']).toBe(Object.prototype);
      }),
    );
  });

  it.each(['steps=*x', 'steps=[1', 'steps={a: 1, a: 2}'])('refuses %s by the key', (override) => {
    const error = failure(() => withOverrides(example(), [override]));
    expect(error).toMatchObject({ code: 'JOB_FILE_INVALID', detail: { key: 'steps' } });
    expect(error.message).not.toMatch(/:$/);
  });
});

describe('specHash', () => {
  const hash = (...overrides: string[]) =>
    specHash(parseJobSpec(withOverrides(example(), overrides)), 'data', null);

  it.each([
    'name=other',
    'priority=3',
    'workers.max=2',
    'checkpoint.every=10',
    'batch.recompute=true',
  ])('ignores %s', (override) => {
    expect(hash(override)).toBe(hash());
  });

  const gpt = [
    'model.architecture=gpt',
    'model.intermediate=512',
    'tokenizer.algorithm=bpe',
    'objective=causal-language-model',
  ];

  it.each([
    ['a BERT', [], '0de145b5ee2ff62efffde6dc55b1c17814cd5cb166f28de4d6f55e5f14860af5'],
    ['a GPT', gpt, 'e07c2a92f4b5b7c5900a1c7d31faf59b3d6d2ae32a8b1761f85a70ab24f39fd5'],
  ])('of %s stays what it is', (_, overrides, expected) => {
    expect(hash(...overrides)).toBe(expected);
  });

  it.each(['seed=8', 'steps=301', 'workers.threads=2', 'model.layers=5', 'batch.microbatches=4'])(
    'changes with %s',
    (override) => {
      expect(hash(override)).not.toBe(hash());
    },
  );
});
