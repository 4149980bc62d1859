import { readFile } from 'node:fs/promises';
import { cleanText, loadTokenizer } from '@ringmaster/data';
import { Model, type ModelFiles } from '@ringmaster/model';
import { RingmasterError, type CleaningRule } from '@ringmaster/protocol';
import { checkVocabulary, type ServedModel } from '@ringmaster/tasks';
import { Runtime } from '@ringmaster/tensorflow';
import { readModel } from '../artifacts/model.js';

/**
 * Loads a model in the layout of Hugging Face.
 * @param name Of the model, for errors.
 * @param cleaning The rules that the texts in training were cleaned by, in order; none where they are not known.
 * @throws MODEL_UNUSABLE when its head is not known or weights are missing; what reading the files throws.
 */
export async function loadServed(
  name: string,
  files: ModelFiles,
  cleaning: readonly CleaningRule[],
): Promise<ServedModel & { readonly model: Model }> {
  const path = files.path('tokenizer.json');
  const json = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw unusable(name, 'it has no tokenizer.json', cause);
  });
  const runtime = Runtime.open();
  let model: Model | undefined;
  const { config, values } = await readModel(files, (found) => {
    if (found.head === null) throw unusable(name, 'it has no head that predicts');
    model = new Model(runtime, found.model, found.head);
    return model.parameters;
  });
  if (model === undefined) throw unusable(name, 'it has no head that predicts');
  model.load((parameter) => {
    const value = values.get(parameter);
    if (value === undefined) throw unusable(name, `it has no weights for ${parameter}`);
    return value;
  });
  const tokenizer = loadTokenizer(json, path);
  checkVocabulary(config, tokenizer, name);
  const clean = (text: string) => cleanText(text, cleaning).text;
  return { model, config, tokenizer, clean };
}

function unusable(model: string, reason: string, cause?: unknown): RingmasterError {
  return new RingmasterError('MODEL_UNUSABLE', { model, reason }, { cause });
}
