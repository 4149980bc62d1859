import { RingmasterError } from '@ringmaster/protocol';
import { z } from 'zod';
import { serialize } from '../file.js';
import { templateOf } from '../post-processor.js';
import { marianCodec } from './codec.js';

/** The files of Marian's tokenizer (`MarianTokenizer` in `transformers`): two models of SentencePiece, and ids by pieces. */
export const marianFileNames = {
  source: 'source.spm',
  target: 'target.spm',
  vocabulary: 'vocab.json',
} as const;

type MarianFiles = Readonly<Record<keyof typeof marianFileNames, Buffer>>;

const vocabulary = z.record(z.string(), z.int().min(0));

/** Special tokens, with the names that the class of `transformers` gives them. */
const special = ['</s>', '<unk>', '<pad>'] as const;
const [END, UNKNOWN] = special;

const base64 = z.base64().transform((text) => Buffer.from(text, 'base64'));
const marianFile = z.object({
  model: z.object({
    type: z.literal('Marian'),
    source: base64,
    target: base64,
    vocab: vocabulary,
  }),
});

/**
 * The `tokenizer.json` that stands for the files of Marian's tokenizer, in a form of our own: those of Hugging Face have no
 * place for two models that share ids.
 * @param pathOf Where a file is, named in errors.
 * @throws TOKENIZER_INVALID by the file that it is in
 */
export function convertMarian(files: MarianFiles, pathOf: (name: string) => string): string {
  const vocab = inFile(pathOf(marianFileNames.vocabulary), () => {
    const read = vocabulary.parse(JSON.parse(files.vocabulary.toString('utf8')));
    const missing = special.find((token) => read[token] === undefined);
    if (missing !== undefined) throw new Error(`it has no ${missing}`);
    if (new Set(Object.values(read)).size !== Object.keys(read).length)
      throw new Error('it has an id twice');
    return read;
  });
  const end = vocab[END] ?? 0;
  const file = (source: Buffer, target: Buffer) => ({
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: special.map((content) => ({
      id: vocab[content] ?? 0,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: null,
    post_processor: templateOf({ before: [], after: [end] }, () => END),
    decoder: null,
    model: {
      type: 'Marian',
      unk_token: UNKNOWN,
      source: source.toString('base64'),
      target: target.toString('base64'),
      vocab,
    },
  });
  for (const side of ['source', 'target'] as const)
    inFile(pathOf(marianFileNames[side]), () => marianCodec(file(files[side], files[side])));
  return serialize(file(files.source, files.target));
}

function inFile<Value>(path: string, read: () => Value): Value {
  try {
    return read();
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message;
    throw new RingmasterError('TOKENIZER_INVALID', { path, reason }, { cause });
  }
}

/** The files that a `tokenizer.json` was made of, by their names; null for one of another kind. */
export function marianFiles(json: string): Readonly<Record<string, Buffer>> | null {
  const parsed = marianFile.safeParse(JSON.parse(json));
  if (!parsed.success) return null;
  const { source, target, vocab } = parsed.data.model;
  return {
    [marianFileNames.source]: source,
    [marianFileNames.target]: target,
    [marianFileNames.vocabulary]: Buffer.from(`${JSON.stringify(vocab, null, 2)}\n`),
  };
}
