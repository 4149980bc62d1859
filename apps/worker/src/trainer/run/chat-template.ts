import { CHAT_TEMPLATE, TOKENIZER_CONFIG } from '@ringmaster/model';
import type { ArtifactManifest } from '@ringmaster/protocol';
import { chatTemplateSource } from '@ringmaster/tasks';
import { fetchWhole, readManifest } from '../../artifacts/artifacts.js';
import type { Artifacts } from '../../artifacts/types.js';

/**
 * The chat template of a base as a file of the model that is made of it, whose tokens have the same roles; nothing of one
 * that has none, or whose tokenizer's configuration cannot be read: that is not what a run ends without a model for.
 * @param base SHA-256 of the manifest.
 */
export async function chatTemplateOf(
  artifacts: Artifacts,
  base: string,
): Promise<ArtifactManifest['files']> {
  const { files } = await readManifest(artifacts, base);
  const kept = files[CHAT_TEMPLATE];
  if (kept !== undefined) return { [CHAT_TEMPLATE]: kept };
  const config = files[TOKENIZER_CONFIG];
  if (config === undefined) return {};
  const path = await fetchWhole(artifacts, config.sha256);
  const only = { path: () => path, has: (name: string) => name === TOKENIZER_CONFIG };
  const source = await chatTemplateSource(only).catch(() => null);
  return source === null ? {} : { [CHAT_TEMPLATE]: await artifacts.put([Buffer.from(source)]) };
}
