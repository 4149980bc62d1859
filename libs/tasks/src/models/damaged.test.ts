import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@ringmaster/testing';
import { SafetensorsFile } from '@ringmaster/model/formats';
import { faultOf, RingmasterError } from '@ringmaster/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tinyModelFiles } from '../testing/index.js';
import { openModelDirectory } from './directory.js';

const directory = temporaryDirectory();
const whole = await tinyModelFiles('classifier');
const WEIGHTS = 'model.safetensors';

/** What is said of a model some of whose files are others; null when it is accepted. */
async function refusal(
  files: Record<string, Uint8Array | string>,
): Promise<RingmasterError | null> {
  for (const [name, bytes] of Object.entries({ ...whole, ...files }))
    await writeFile(join(directory, name), bytes);
  try {
    await openModelDirectory(directory);
    return null;
  } catch (error) {
    if (error instanceof RingmasterError) return error;
    throw error;
  }
}

interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}
type Header = Record<string, Entry>;

/** The weights with another header. */
function withHeader(change: (header: Header) => Header | undefined): Buffer {
  const bytes = whole[WEIGHTS];
  const length = Number(bytes.readBigUInt64LE());
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Header;
  const json = Buffer.from(JSON.stringify(change(header) ?? header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([size, json, bytes.subarray(8 + length)]);
}

const POINTER = 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n';
const CLASSIFIER = 'classifier.weight';

/** Damages as people meet them: what they do to the weights, the code that tells of it, and what it says. */
const damages: readonly [string, () => Uint8Array | string, string, string][] = [
  ['a Git LFS pointer', () => POINTER, 'SAFETENSORS_INVALID', 'Git LFS pointer'],
  ['a web page', () => '<!DOCTYPE html><p>Sign in', 'SAFETENSORS_INVALID', 'web page'],
  ['an archive', () => 'PK\x03\x04 and so on', 'SAFETENSORS_INVALID', 'archive'],
  ['empty', () => '', 'SAFETENSORS_INVALID', '0 bytes'],
  ['cut', () => whole[WEIGHTS].subarray(0, -8), 'SAFETENSORS_INVALID', 'ends at byte'],
  [
    'one byte longer',
    () => Buffer.concat([whole[WEIGHTS], Buffer.of(0)]),
    'SAFETENSORS_INVALID',
    'belong to no tensor',
  ],
  [
    'of a header beyond the file',
    () => Buffer.concat([Buffer.alloc(8, 0xff), whole[WEIGHTS].subarray(8)]),
    'SAFETENSORS_INVALID',
    'header',
  ],
  [
    'quantised',
    () =>
      withHeader((header) => {
        for (const entry of Object.values(header))
          if (entry.dtype === 'F32') [entry.dtype, entry.shape] = ['I8', [4 * size(entry)]];
        return undefined;
      }),
    'MODEL_TENSOR_SHAPE',
    'shape',
  ],
  [
    'of integers',
    () =>
      withHeader((header) => {
        for (const entry of Object.values(header)) if (entry.dtype === 'F32') entry.dtype = 'I32';
      }),
    'SAFETENSORS_DTYPE',
    'I32',
  ],
  [
    'without a tensor',
    () =>
      withHeader((header) => {
        const { [CLASSIFIER]: classifier, ...others } = header;
        return { ...others, other: classifier! };
      }),
    'MODEL_TENSOR_MISSING',
    CLASSIFIER,
  ],
  [
    'of another shape',
    () =>
      withHeader((header) => {
        header[CLASSIFIER]!.shape.reverse();
        return undefined;
      }),
    'MODEL_TENSOR_SHAPE',
    CLASSIFIER,
  ],
  [
    'of tensors that overlap',
    () =>
      withHeader((header) => {
        header['other'] = header[CLASSIFIER]!;
        return undefined;
      }),
    'SAFETENSORS_INVALID',
    'overlaps',
  ],
];

function size({ shape }: Entry): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

describe('a model directory', () => {
  it('is taken when it is whole', async () => {
    expect(await refusal({})).toBeNull();
  });

  it.each(damages)('whose weights are %s is refused', async (_, damage, code, said) => {
    const error = await refusal({ [WEIGHTS]: damage() });
    expect(error).toMatchObject({ code });
    expect(error?.message).toContain(said);
    expect(error?.message).toContain(join(directory, WEIGHTS));
    expect(faultOf(code)).toBe('job');
  });

  it.each(['config.json', 'tokenizer.json', WEIGHTS])(
    'whose %s is a Git LFS pointer is refused with what is to be done',
    async (name) => {
      const error = await refusal({ [name]: POINTER });
      expect(error?.message).toContain(join(directory, name));
      expect(error?.remedy).toContain('git lfs pull');
    },
  );

  it('whose tokenizer has tokens without an embedding is refused', async () => {
    const tokenizer = JSON.parse(whole['tokenizer.json'].toString()) as {
      model: { vocab: Record<string, number> };
    };
    tokenizer.model.vocab['beyond'] = 320;
    expect(await refusal({ 'tokenizer.json': JSON.stringify(tokenizer) })).toMatchObject({
      code: 'MODEL_UNUSABLE',
    });
  });

  it('is taken or refused with a code, whatever its bytes', async () => {
    const names = ['config.json', 'tokenizer.json', WEIGHTS] as const;
    const headerBytes = 8 + Number(whole[WEIGHTS].readBigUInt64LE());
    const damage = fc.record({
      name: fc.constantFrom(...names),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      bytes: fc.uint8Array({ maxLength: 6 }),
      how: fc.constantFrom('overwrite' as const, 'insert' as const, 'cut' as const),
      // Most of the weights is data, in which nothing can be told.
      inHeader: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 3 }), async (list) => {
        const files: Record<string, Buffer> = {};
        for (const { name, at, bytes, how, inHeader } of list) {
          const before = files[name] ?? whole[name];
          const within = name === WEIGHTS && inHeader ? headerBytes : before.length;
          const place = Math.floor(at * Math.min(within, before.length));
          const rest =
            how === 'insert' ? place : how === 'overwrite' ? place + bytes.length : Infinity;
          files[name] = Buffer.concat([before.subarray(0, place), bytes, before.subarray(rest)]);
        }
        const error = await refusal(files);
        expect(error === null || faultOf(error.code) === 'job').toBe(true);
        if (error !== null) return;
        const file = await SafetensorsFile.open(join(directory, WEIGHTS));
        for (const [name, { dtype, shape }] of file.tensors)
          if (dtype === 'F32')
            expect(await file.read(name)).toHaveLength(shape.reduce((a, b) => a * b, 1));
        await file.close();
      }),
      { numRuns: 300, seed: 7 },
    );
  });

  it('of an adapter alone is refused by its base', async () => {
    const path = temporaryDirectory();
    await writeFile(join(path, 'adapter_model.safetensors'), whole[WEIGHTS]);
    const refused = async (config: string, reason: string) => {
      await writeFile(join(path, 'adapter_config.json'), config);
      await expect(openModelDirectory(path)).rejects.toMatchObject({
        code: 'MODEL_DIRECTORY_INVALID',
        detail: { reason: expect.stringContaining(reason) as string },
      });
    };
    await refused('{"base_model_name_or_path": "some/base"}', 'an adapter alone, of some/base');
    await refused('{}', 'a base that it does not name');
    await refused('nothing', 'JSON');
  });

  it('whose files are not there is refused by their names', async () => {
    await refusal({});
    const weights = await readFile(join(directory, WEIGHTS));
    await rm(join(directory, WEIGHTS));
    await writeFile(join(directory, 'model.safetensors.index.json'), '{}');
    await expect(openModelDirectory(directory)).rejects.toMatchObject({
      code: 'SAFETENSORS_INVALID',
      detail: { reason: expect.stringContaining('weight_map') as string },
    });
    await rm(join(directory, 'model.safetensors.index.json'));
    await writeFile(join(directory, WEIGHTS), weights);
    await expect(openModelDirectory(join(directory, 'none'))).rejects.toMatchObject({
      code: 'MODEL_DIRECTORY_INVALID',
    });
  });
});
