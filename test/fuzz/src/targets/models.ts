import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { readArtifact } from '@ringmaster/coordinator/dist/artifacts/references.js';
import {
  BlobStore,
  convertSentencePiece,
  loadTokenizer,
  parseDataManifest,
  trainTokenizer,
} from '@ringmaster/data';
import { decodeShard, encodeShard } from '@ringmaster/data/dist/shards/format.js';
import {
  HuggingFaceModel,
  inDirectory,
  SafetensorsFile,
  writeSafetensors,
} from '@ringmaster/model';
import { damaged } from '../bytes.js';
import { Scratch } from '../scratch.js';
import type { Target } from '../target.js';
import { alteredOften } from '../values.js';

const words = [
  'null',
  '0',
  '-1',
  '"',
  '{',
  '}',
  '[',
  ']',
  '18446744073709551615',
  '"F16"',
  '"BF16"',
  '"I8"',
  '"__metadata__"',
  '\\ud800',
  '##',
  'Ġ',
].map((word) => Buffer.from(word));
const sentence = 'The quick brown fox, ÄÖÜ 床前明月光 😀\u0000\u00ad don’t 12,345.';

async function safetensors(): Promise<readonly Target[]> {
  const scratch = new Scratch();
  const path = join(scratch.directory, 'valid.safetensors');
  const data = () => Float32Array.of(1, 2, 3, 4, 5, 6);
  await writeSafetensors(path, [
    { name: 'a.weight', shape: [2, 3], data },
    { name: 'b', shape: [6], data },
    { name: 'none', shape: [0], data: () => new Float32Array(0) },
  ]);
  const valid = readFileSync(path);
  const headerBytes = Number(valid.readBigUInt64LE());
  const header: unknown = JSON.parse(valid.toString('utf8', 8, 8 + headerBytes));
  const take = async (input: Buffer) => {
    const file = await SafetensorsFile.open(scratch.file('model.safetensors', input));
    try {
      for (const name of file.tensors.keys()) await file.read(name);
    } finally {
      await file.close();
    }
  };
  const close = () => {
    scratch.close();
  };
  return [
    { name: 'safetensors: bytes', input: (draws) => damaged([valid], words, draws), take, close },
    {
      name: 'safetensors: header',
      input: (draws) => {
        const json = Buffer.from(JSON.stringify(alteredOften(header, draws)));
        const length = Buffer.alloc(8);
        length.writeBigUInt64LE(BigInt(json.length));
        return Buffer.concat([length, json, valid.subarray(8 + headerBytes)]);
      },
      take,
    },
  ];
}

function tokenizers(): readonly Target[] {
  const texts = Array.from({ length: 20 }, (_, at) => `${sentence} ${at} words and more words`);
  const trained = (['wordpiece', 'bpe', 'unigram'] as const).map((algorithm) =>
    trainTokenizer(texts, { algorithm, vocabulary: 300, lowercase: true }),
  ) as [string, ...string[]];
  const take = (input: Buffer) => {
    const tokenizer = loadTokenizer(input.toString());
    return tokenizer.decode(tokenizer.encode(sentence));
  };
  return [
    {
      name: 'tokenizer: text',
      input: (draws) => damaged([Buffer.from(draws.of(trained))], words, draws),
      take,
    },
    {
      name: 'tokenizer: values',
      input: (draws) =>
        Buffer.from(JSON.stringify(alteredOften(JSON.parse(draws.of(trained)), draws))),
      take,
    },
  ];
}

/** Models of SentencePiece, read as a T5's and as a LLaMA's. */
function sentencePieces(): Target {
  const path = new URL('../../../../libs/data/reference/sentencepiece.json', import.meta.url);
  const { models } = JSON.parse(readFileSync(path, 'utf8')) as {
    models: Readonly<Record<string, { readonly model: string }>>;
  };
  const valid = Object.values(models).map(({ model }) => gunzipSync(Buffer.from(model, 'base64')));
  const [first, ...others] = valid;
  if (first === undefined) throw new Error('there is no model of SentencePiece');
  const surrounded = { before: ['<s>'], after: ['</s>'] };
  return {
    name: 'model of SentencePiece',
    input: (draws) => damaged([first, ...others], words, draws),
    take: (input) => {
      for (const keepsFirstSpace of [false, true]) {
        const use = { ...surrounded, extraIds: 2, keepsFirstSpace };
        const tokenizer = loadTokenizer(convertSentencePiece(input, 'spiece.model', use));
        tokenizer.decode(tokenizer.encode(sentence));
      }
    },
  };
}

const hash = 'a'.repeat(64);
const split = {
  documents: 1,
  tokens: 2,
  characters: 3,
  counts: { class: { a: 1 } },
  shards: [{ sha256: hash, bytes: 60, documents: 1, tokens: 2 }],
  ids: hash,
};
const roles = {
  pad: 0,
  unknown: 1,
  classify: 2,
  separate: 3,
  mask: 4,
  endOfText: null,
  special: [0, 1, 2, 3, 4],
};
const manifest = {
  format: 2,
  tokenizer: { sha256: hash, vocabulary: 300, ...roles },
  width: 2,
  columns: [
    { name: 'text', kind: 'tokens' },
    { name: 'class', kind: 'class', names: ['a'] },
  ],
  cleaning: ['newlines', 'whitespace'],
  warnings: [],
  splits: { train: split, validation: split, test: split },
  statistics: {
    read: 3,
    dropped: {},
    cleaned: {},
    overlap: {},
    unigramEntropy: 1,
    nearDuplicates: { documents: 0, groups: 0 },
  },
};
const offsets = Uint32Array.of(0, 1, 3);
const shard = encodeShard({
  documents: 2,
  sections: [
    { name: 'words', kind: 'tokens', offsets, values: Uint16Array.of(1, 2, 3) },
    { name: 'tags', kind: 'tags', offsets, values: Int32Array.of(0, 1, -1) },
    { name: 'class', kind: 'class', values: Int32Array.of(-1, 0) },
    { name: 'value', kind: 'value', values: Float64Array.of(0.5, -1) },
  ],
});

const prepared: readonly Target[] = [
  {
    name: 'data manifest',
    input: (draws) => Buffer.from(JSON.stringify(alteredOften(manifest, draws))),
    take: (input) => parseDataManifest(input.toString(), 'manifest'),
  },
  {
    name: 'shard',
    input: (draws) => damaged([shard], words, draws),
    // An input may lie anywhere; a shard is read into memory of its own.
    take: (input) => decodeShard(Buffer.from(new Uint8Array(input).buffer), 'shard'),
  },
];

const bert = {
  model_type: 'bert',
  architectures: ['BertForSequenceClassification'],
  vocab_size: 300,
  hidden_size: 16,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  intermediate_size: 64,
  max_position_embeddings: 32,
  type_vocab_size: 2,
  hidden_act: 'gelu',
  layer_norm_eps: 1e-12,
  id2label: { 0: 'a', 1: 'b' },
  pad_token_id: 0,
};
const gpt = {
  model_type: 'gpt2',
  architectures: ['GPT2LMHeadModel'],
  vocab_size: 300,
  n_embd: 16,
  n_layer: 1,
  n_head: 2,
  n_inner: null,
  n_positions: 32,
  bos_token_id: 0,
  eos_token_id: 0,
};
const artifact = {
  format: 1,
  kind: 'model',
  job: null,
  name: 'm',
  step: 0,
  evaluations: 0,
  stateHash: hash,
  specHash: hash,
  dataManifest: hash,
  baseManifest: null,
  task: 't',
  labels: ['a'],
  metrics: {},
  files: { 'config.json': { sha256: hash, bytes: 3 } },
};

async function directories(): Promise<readonly Target[]> {
  const scratch = new Scratch();
  const blobs = new BlobStore(join(scratch.directory, 'artifacts'));
  await writeSafetensors(join(scratch.directory, 'model.safetensors'), []);
  return [
    {
      name: 'model: config.json',
      input: (draws) =>
        Buffer.from(JSON.stringify(alteredOften(draws.of<object>([bert, gpt]), draws))),
      take: async (input) => {
        scratch.file('config.json', input);
        const model = await HuggingFaceModel.open(inDirectory(scratch.directory));
        try {
          model.check();
        } finally {
          await model.close();
        }
      },
      close: () => {
        scratch.close();
      },
    },
    {
      name: 'artifact: manifest',
      input: (draws) => Buffer.from(JSON.stringify(alteredOften(artifact, draws))),
      take: async (input) => {
        const { sha256 } = await blobs.putBytes(input);
        readArtifact(blobs, sha256, 'model');
        await blobs.remove(sha256);
      },
    },
  ];
}

export async function models(): Promise<readonly Target[]> {
  return [
    ...(await safetensors()),
    ...tokenizers(),
    sentencePieces(),
    ...prepared,
    ...(await directories()),
  ];
}
