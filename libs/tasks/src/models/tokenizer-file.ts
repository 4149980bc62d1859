import {
  convertMarian,
  convertSentencePiece,
  marianFileNames,
  type SentencePieceUse,
} from '@ringmaster/data';
import { TOKENIZER_CONFIG, type ModelConfig, type ModelFiles } from '@ringmaster/model/formats';
import { RingmasterError } from '@ringmaster/protocol';
import { z } from 'zod';
import { readBytes, readTokenizerJson } from './tokenizer-json.js';

export const TOKENIZER = 'tokenizer.json';

/** What models of SentencePiece are called in model directories. */
const sentencePieces = ['spiece.model', 'tokenizer.model', 'sentencepiece.model'] as const;

/** The names of the models of SentencePiece that stand for a `tokenizer.json`; none where there is none. */
export function sentencePiecesIn(has: (name: string) => boolean): readonly string[] {
  const one = sentencePieces.find(has);
  if (one !== undefined) return [one];
  const { source, target } = marianFileNames;
  return Object.values(marianFileNames).every(has) ? [source, target] : [];
}

/** The text of a tokenizer. */
export interface TokenizerFile {
  /** Where it is, or what it was made of. */
  readonly path: string;
  readonly json: string;
  /** Whether it is not there as it is: made of a model of SentencePiece. */
  readonly isMade: boolean;
}

/**
 * The `tokenizer.json` of a model, or what it would be for its model of SentencePiece.
 * @throws MODEL_FILE_UNREADABLE, TOKENIZER_INVALID
 */
export async function readTokenizer(
  files: ModelFiles,
  { architecture }: Pick<ModelConfig, 'architecture'>,
): Promise<TokenizerFile> {
  const [name] = files.has(TOKENIZER) ? [] : sentencePiecesIn((each) => files.has(each));
  const path = files.path(name ?? TOKENIZER);
  const bytes = await readBytes(path);
  if (name === undefined) return { path, json: bytes.toString('utf8'), isMade: false };
  if (name === marianFileNames.source && architecture === 'marian')
    return { path, json: await readMarian(files), isMade: true };
  const use = uses[architecture];
  if (use === undefined) {
    const reason = `a ${architecture} does not read models of SentencePiece; write a tokenizer.json with AutoTokenizer.from_pretrained(DIRECTORY, use_fast=True).save_pretrained(DIRECTORY)`;
    throw new RingmasterError('TOKENIZER_INVALID', { path, reason });
  }
  const json = convertSentencePiece(bytes, path, use(await readSettings(files)));
  return { path, json, isMade: true };
}

async function readMarian(files: ModelFiles): Promise<string> {
  const { source, target, vocabulary } = marianFileNames;
  const read = async (name: string) => readBytes(files.path(name));
  return convertMarian(
    {
      source: await read(source),
      target: await read(target),
      vocabulary: await read(vocabulary),
    },
    (name) => files.path(name),
  );
}

/** What of a `tokenizer_config.json` says how a model of SentencePiece is used, with the defaults of `transformers`. */
const settings = z.looseObject({
  add_bos_token: z.boolean().nullish(),
  add_eos_token: z.boolean().nullish(),
  legacy: z.boolean().nullish(),
  extra_ids: z.int().min(0).max(10_000).default(100),
});

async function readSettings(files: ModelFiles): Promise<z.output<typeof settings>> {
  return (await readTokenizerJson(files, TOKENIZER_CONFIG, settings)) ?? settings.parse({});
}

/** LLaMA's class (`LlamaTokenizer`), which Mistral has too. */
const llama = (given: z.output<typeof settings>): SentencePieceUse => ({
  extraIds: 0,
  before: given.add_bos_token === false ? [] : ['<s>'],
  after: given.add_eos_token === true ? ['</s>'] : [],
  keepsFirstSpace: given.legacy === false,
});

/** What the classes of tokenizers in `transformers` do with a model of SentencePiece, by family. */
const uses: Partial<
  Record<ModelConfig['architecture'], (given: z.output<typeof settings>) => SentencePieceUse>
> = {
  llama,
  mistral: llama,
  t5: ({ extra_ids: extraIds }) => ({
    extraIds,
    before: [],
    after: ['</s>'],
    keepsFirstSpace: false,
  }),
};
