import { CHAT_TEMPLATE } from '@ringmaster/model';
import type { ArtifactManifest } from '@ringmaster/protocol';
import { readChatFormat, readEnds } from '@ringmaster/tasks';
import { locateModel, readModel } from '../../artifacts/model.js';
import type { Artifacts } from '../../artifacts/types.js';

/** What a model that takes conversations has from its base. */
export interface KeptChat {
  /** Its chat template, as a file of its own. */
  readonly files: ArtifactManifest['files'];
  /** Special tokens that the template writes, by their roles (`eos_token`, …). */
  readonly roles: Readonly<Record<string, string>>;
  /** Tokens that end an answer; none where the base does not say. */
  readonly ends: readonly number[];
}

/**
 * The chat template of a base, with what belongs to it: the model that is made of it has the base's tokens. Null for one that
 * has none, or whose tokenizer's configuration cannot be read: that is not what a run ends without a model for.
 * @param base SHA-256 of the manifest.
 */
export async function chatOf(artifacts: Artifacts, base: string): Promise<KeptChat | null> {
  const { files } = await locateModel(artifacts, base);
  const found = await readChatFormat(files).catch(() => null);
  if (found === null) return null;
  const { source, tokens } = found.format;
  const ends = await readModel(files, () => [])
    .then(({ config }) => readEnds(files, config))
    .catch(() => []);
  const template = await artifacts.put([Buffer.from(source)]);
  return { files: { [CHAT_TEMPLATE]: template }, roles: tokens, ends };
}
