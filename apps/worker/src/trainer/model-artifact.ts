import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDataManifest } from '@ringmaster/data';
import { writeHuggingFace } from '@ringmaster/model';
import { putManifest } from '../artifacts/artifacts.js';
import { withTemporaryDirectory } from '../artifacts/temporary.js';
import { manifestOf } from './manifest.js';
import type { Run } from './run.js';

/**
 * Makes the trained model durable: a directory in the layout of Hugging Face, as blobs.
 * @returns the model's id, which is the SHA-256 of its manifest
 */
export async function writeModel(run: Run, metrics: Record<string, number>): Promise<string> {
  const { artifacts, launch, model, task, layout, state } = run;
  const manifestPath = await artifacts.fetch(launch.dataManifest);
  const { tokenizer } = parseDataManifest(await readFile(manifestPath, 'utf8'), manifestPath);
  return withTemporaryDirectory(artifacts.scratch, async (directory) => {
    const config = {
      model: model.config,
      head: task.head,
      labels: task.labels,
      tokens: {
        padding: tokenizer.pad,
        begin: tokenizer.classify ?? tokenizer.endOfText,
        end: tokenizer.separate ?? tokenizer.endOfText,
      },
    };
    const parameters = layout.tensors.map((tensor) => ({
      name: tensor.name,
      shape: tensor.shape,
      data: state.view('parameters', tensor),
    }));
    await writeHuggingFace(directory, config, parameters);
    const tokenizerJson = await readFile(await artifacts.fetch(tokenizer.sha256));
    const contents = {
      'config.json': await readFile(join(directory, 'config.json')),
      'model.safetensors': await readFile(join(directory, 'model.safetensors')),
      'tokenizer.json': tokenizerJson,
      'tokenizer_config.json': Buffer.from(
        `${JSON.stringify(tokenizerConfig(model.config.context), null, 2)}\n`,
      ),
    };
    const files: Record<string, { sha256: string; bytes: number }> = {};
    for (const [name, content] of Object.entries(contents)) {
      files[name] = { sha256: await artifacts.put(content), bytes: content.byteLength };
    }
    return putManifest(artifacts, { ...manifestOf(run, 'model', run.stateHash()), metrics, files });
  });
}

/** What Python `transformers` needs beside `tokenizer.json` to load a tokenizer of any kind. */
function tokenizerConfig(context: number): object {
  return { tokenizer_class: 'PreTrainedTokenizerFast', model_max_length: context };
}
