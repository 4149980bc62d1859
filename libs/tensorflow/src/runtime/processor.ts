import { readFileSync } from 'node:fs';

/** The processor, as far as numerics and speed depend on it. */
export interface Processor {
  readonly model: string;
  /** Instruction sets that TensorFlow's kernels choose between, as far as it has them, in a fixed order. */
  readonly features: readonly string[];
}

/** The kind of this machine's processor: processors of one kind compute the same bytes. */
export function processorKind(): string {
  return [process.arch, ...processor().features].join(' ');
}

const FEATURES =
  'avx avx2 fma avx512f avx512_vnni avx512_bf16 amx_bf16 asimd asimdhp bf16 sve'.split(' ');

/** The processor that a text in the form of `/proc/cpuinfo` describes: by default this machine's. */
export function processor(cpuinfo: string = readFileSync('/proc/cpuinfo', 'utf8')): Processor {
  const field = (name: RegExp) => name.exec(cpuinfo)?.[1]?.trim() ?? '';
  const flags = new Set(field(/^(?:flags|Features)\s*:(.*)$/m).split(' '));
  return {
    model: field(/^model name\s*:(.*)$/m),
    features: FEATURES.filter((feature) => flags.has(feature)),
  };
}
