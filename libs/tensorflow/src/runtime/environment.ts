import { neutralEnvironment } from '@ringmaster/base';
import { processor } from './processor.js';
import type { Runtime } from './runtime.js';

/** Where a trainer computes. `index` is the number of the graphics processor on its host. */
export type Device = { readonly kind: 'cpu' } | { readonly kind: 'gpu'; readonly index: number };

export interface TrainerEnvironmentOptions {
  /** Threads that one operation may use; they are part of what a run's numerics depend on. */
  readonly threads: number;
  readonly device: Device;
}

const SCRUBBED = /^(TF_|ONEDNN_|DNNL_|OMP_|KMP_|GOMP_|MKL_|XLA_|CUDA_VISIBLE_DEVICES$|NVIDIA_TF32)/;

/**
 * The environment of a trainer process: `inherited` without anything that would change TensorFlow's numerics, and with
 * what pins them. TensorFlow reads these variables as it loads, so they are set before the process starts.
 */
export function trainerEnvironment(
  { threads, device }: TrainerEnvironmentOptions,
  inherited: NodeJS.ProcessEnv = process.env,
): NodeJS.ProcessEnv {
  const kept = Object.entries(neutralEnvironment(inherited)).filter(
    ([name]) => !SCRUBBED.test(name),
  );
  return {
    ...Object.fromEntries(kept),
    TF_NUM_INTRAOP_THREADS: String(threads),
    TF_NUM_INTEROP_THREADS: '1',
    OMP_NUM_THREADS: String(threads),
    TF_CPP_MIN_LOG_LEVEL: '2',
    // Huge pages for TensorFlow's memory pool: 5 % of a step on a processor where the kernel offers them.
    GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1',
    ...(device.kind === 'cpu' ? { CUDA_VISIBLE_DEVICES: '-1' } : gpuVariables(device.index)),
  };
}

/**
 * Whether a line is what TensorFlow writes as it loads, before its log level is in force, and whatever happens: that it
 * does so, and that oneDNN may round otherwise than other kernels, which a run's numerics record covers.
 */
export function isChatter(line: string): boolean {
  return /^(WARNING: All log messages before absl::InitializeLog|I\d{4} .*oneDNN custom operations)/.test(
    line,
  );
}

function gpuVariables(index: number): NodeJS.ProcessEnv {
  return {
    CUDA_VISIBLE_DEVICES: String(index),
    CUDA_DEVICE_ORDER: 'PCI_BUS_ID',
    TF_FORCE_GPU_ALLOW_GROWTH: 'true',
    TF_DETERMINISTIC_OPS: '1',
    TF_CUDNN_USE_AUTOTUNE: '0',
    NVIDIA_TF32_OVERRIDE: '0',
  };
}

/** What the bits of a run depend on besides its specification. */
export interface NumericsRecord {
  readonly tensorflow: string;
  readonly node: string;
  readonly device: 'cpu' | 'gpu';
  /** `process.arch`, such as `x64`. */
  readonly architecture: string;
  readonly processor: string;
  /** Instruction sets that TensorFlow's kernels choose between, as far as this processor has them. */
  readonly instructions: readonly string[];
  readonly threads: string;
}

/** The record of this process. */
export function numericsRecord(runtime: Runtime): NumericsRecord {
  const { model, features } = processor();
  return {
    tensorflow: runtime.version,
    node: process.versions.node,
    device: runtime.device,
    architecture: process.arch,
    processor: model,
    instructions: features,
    threads: process.env['TF_NUM_INTRAOP_THREADS'] ?? 'unset',
  };
}
