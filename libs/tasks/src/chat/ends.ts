import { readFile } from 'node:fs/promises';
import {
  GENERATION_CONFIG,
  type HuggingFaceConfig,
  type ModelFiles,
} from '@ringmaster/model/formats';
import { RingmasterError } from '@ringmaster/protocol';
import { z } from 'zod';

const id = z.int().min(0);
const schema = z.looseObject({ eos_token_id: z.union([id, z.array(id)]).nullish() });

/**
 * Tokens that end what a model generates: those of its `generation_config.json`, which come before those of its
 * `config.json`, as in `transformers`.
 * @throws MODEL_CONFIG_INVALID
 */
export async function readEnds(
  files: ModelFiles,
  config: Pick<HuggingFaceConfig, 'tokens'>,
): Promise<number[]> {
  const ofConfig = [config.tokens.end ?? []].flat();
  if (!files.has(GENERATION_CONFIG)) return ofConfig;
  try {
    const text = await readFile(files.path(GENERATION_CONFIG), 'utf8');
    const { eos_token_id: ends } = schema.parse(JSON.parse(text));
    return ends === undefined || ends === null ? ofConfig : [ends].flat();
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message;
    throw new RingmasterError(
      'MODEL_CONFIG_INVALID',
      { key: GENERATION_CONFIG, reason },
      { cause },
    );
  }
}
