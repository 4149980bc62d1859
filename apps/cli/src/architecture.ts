import { isWeightsFile, parseConfig } from '@ringmaster/model/formats';
import type { ModelView } from '@ringmaster/protocol';
import type { Client } from './client.js';
import { formatCount } from './output.js';

/** What of a shape says how large a model is. */
const SIZES = ['layers', 'hidden', 'heads', 'context', 'vocabulary'];

/** What a model is and how many parameters it has, from its own files; null where they do not tell. */
export async function describeArchitecture(
  client: Client,
  { manifest }: ModelView,
): Promise<string | null> {
  const config = manifest.files['config.json'];
  const weights = Object.entries(manifest.files).flatMap(([name, file]) =>
    isWeightsFile(name) && name.endsWith('.safetensors') ? [file] : [],
  );
  if (config === undefined || weights.length === 0) return null;
  const { model } = parseConfig(objectOf(await client.blobStart(config.sha256, config.bytes)));
  let parameters = 0;
  for (const { sha256, bytes } of weights) {
    const head = await client.blobStart(sha256, 8);
    const length = head.length < 8 ? 0 : Number(head.readBigUInt64LE());
    const whole = await client.blobStart(sha256, Math.min(8 + length, bytes));
    parameters += countParameters(objectOf(whole.subarray(8)));
  }
  const sizes = Object.entries(model).filter(([name]) => SIZES.includes(name));
  return [
    model.architecture,
    ...sizes.map(([name, value]) => `${name} ${value}`),
    `${formatCount(parameters)} parameters`,
  ].join(', ');
}

/** Elements of all tensors in a safetensors header. */
function countParameters(header: Readonly<Record<string, unknown>>): number {
  return Object.values(header).reduce<number>((sum, tensor) => {
    const shape: unknown = (tensor as { shape?: unknown } | null)?.shape;
    if (!Array.isArray(shape)) return sum;
    return sum + (shape as number[]).reduce((product, size) => product * size, 1);
  }, 0);
}

/** A JSON object; an empty one in place of anything else. */
function objectOf(bytes: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(bytes.toString());
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
