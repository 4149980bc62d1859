import { readFile } from 'node:fs/promises';
import { loadTokenizer, type Tokenizer } from '@ringmaster/data';
import { parametersOf, TOKEN_EMBEDDINGS } from '@ringmaster/model';
import type { VectorChunk, VectorTable } from '@ringmaster/model/vectors';
import { RingmasterError } from '@ringmaster/protocol';
import { checkVocabulary } from '@ringmaster/tasks';
import { readModel } from '../artifacts/model.js';
import type { OpenedModel } from './opened-model.js';

/**
 * The token embeddings of a model as a table of vectors, special tokens left out.
 * @throws MODEL_UNUSABLE, TOKENIZER_INVALID; what reading the files throws
 */
export async function tokenTable({ name, files }: OpenedModel): Promise<VectorTable> {
  const unusable = (reason: string, cause?: unknown) =>
    new RingmasterError('MODEL_UNUSABLE', { model: name, reason }, { cause });
  const path = files.path('tokenizer.json');
  const json = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw unusable('it has no tokenizer.json', cause);
  });
  const tokenizer = loadTokenizer(json, path);
  const { config, values } = await readModel(files, ({ model }) =>
    parametersOf(model, null).filter((parameter) => parameter.name === TOKEN_EMBEDDINGS),
  );
  checkVocabulary(config, tokenizer, name);
  const embeddings = values.get(TOKEN_EMBEDDINGS);
  if (embeddings === undefined) throw unusable('it has no token embeddings');
  const dimensions = embeddings.length / config.model.vocabulary;
  const chunk = wordsOf(tokenizer, embeddings, dimensions);
  return {
    name,
    dimensions,
    length: chunk.words.length,
    async *chunks() {
      yield await Promise.resolve(chunk);
    },
    wordOf: (text) => tokenOf(tokenizer, new Set(chunk.words), text),
  };
}

function wordsOf(tokenizer: Tokenizer, embeddings: Float32Array, dimensions: number): VectorChunk {
  const special = new Set(tokenizer.special);
  const ids = Array.from({ length: tokenizer.vocabulary }, (_, id) => id).filter(
    (id) => !special.has(id),
  );
  const values = new Float32Array(ids.length * dimensions);
  for (const [row, id] of ids.entries())
    values.set(embeddings.subarray(id * dimensions, (id + 1) * dimensions), row * dimensions);
  return { words: ids.map((id) => tokenizer.token(id)), values };
}

/** The token that a text is: by its own name, or as the only one that a word of a text is encoded by. */
function tokenOf(tokenizer: Tokenizer, tokens: ReadonlySet<string>, text: string): string {
  if (tokens.has(text)) return text;
  const ids = tokenizer.encode(tokenizer.beforeWord + text);
  const [only] = ids;
  return ids.length === 1 && only !== undefined ? tokenizer.token(only) : text;
}
