import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { requireWithin, type BlobStore, type Roots } from '@ringmaster/data';
import {
  artifactManifestSchema,
  canonicalJson,
  RingmasterError,
  sha256,
  type ArtifactManifest,
} from '@ringmaster/protocol';
import { z } from 'zod';

const NEEDED = ['config.json', 'tokenizer.json', 'model.safetensors'];
const KEPT = /\.(json|txt|safetensors|md)$/;

const configSchema = z.object({
  architectures: z.array(z.string()).optional(),
  id2label: z.record(z.string(), z.string()).optional(),
});

/**
 * Takes a model directory in Hugging Face layout into the artifact store.
 * @param roots Directories that its files must lie in, symbolic links followed.
 * @returns The SHA-256 of its manifest, which depends on the files alone.
 * @throws DATA_PATH_REFUSED, MODEL_DIRECTORY_INVALID
 */
export async function importModel(
  directory: string,
  blobs: BlobStore,
  roots: Roots,
): Promise<string> {
  requireWithin(directory, roots);
  const names: string[] = await readdir(directory).catch(() => []);
  const missing = NEEDED.find((name) => !names.includes(name));
  if (missing !== undefined) {
    const reason = `it has no ${missing}`;
    throw new RingmasterError('MODEL_DIRECTORY_INVALID', { path: directory, reason });
  }
  const kept = names.filter((name) => KEPT.test(name)).sort();
  for (const name of kept) requireWithin(join(directory, name), roots);
  const config = await readConfig(directory);
  const files: ArtifactManifest['files'] = {};
  for (const name of kept) {
    files[name] = await blobs.putFile(join(directory, name));
  }
  const content = sha256(canonicalJson(files));
  const manifest = artifactManifestSchema.parse({
    ...{ format: 1, kind: 'model', job: null, name: 'imported', step: 0, evaluations: 0 },
    // What it was made from is not known here; its own content stands for it.
    ...{ stateHash: content, specHash: content, dataManifest: content, baseManifest: null },
    ...taskOf(config),
    ...{ metrics: {}, files },
  });
  const { sha256: id } = await blobs.putBytes(Buffer.from(canonicalJson(manifest)));
  return id;
}

async function readConfig(directory: string): Promise<z.infer<typeof configSchema>> {
  try {
    const value: unknown = JSON.parse(await readFile(join(directory, 'config.json'), 'utf8'));
    return configSchema.parse(value);
  } catch (cause) {
    const reason = 'its config.json cannot be understood';
    throw new RingmasterError('MODEL_DIRECTORY_INVALID', { path: directory, reason }, { cause });
  }
}

/** What the head of a checkpoint predicts, by the suffix of its class in `transformers`. */
function taskOf(config: z.infer<typeof configSchema>): Pick<ArtifactManifest, 'task' | 'labels'> {
  const architecture = config.architectures?.[0] ?? '';
  if (architecture.endsWith('ForSequenceClassification')) {
    const labels = Object.entries(config.id2label ?? {})
      .sort(([a], [b]) => Number(a) - Number(b))
      .map(([, label]) => label);
    return { task: 'text-classification', labels };
  }
  const causal = /(LMHeadModel|ForCausalLM)$/.test(architecture);
  return { task: causal ? 'causal-language-model' : 'masked-language-model', labels: null };
}
