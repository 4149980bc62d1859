import { describe, expect, it } from 'vitest';

import { isChatter, numericsRecord, trainerEnvironment } from './environment.js';
import { Runtime } from './runtime.js';

describe('trainerEnvironment', () => {
  const inherited = {
    PATH: '/bin',
    TF_ENABLE_ONEDNN_OPTS: '0',
    ONEDNN_MAX_CPU_ISA: 'AVX2',
    OMP_NUM_THREADS: '9',
    TF_NUM_INTRAOP_THREADS: '9',
    CUDA_VISIBLE_DEVICES: '3',
    TZ: 'Asia/Kathmandu',
    LC_TIME: 'tr_TR.UTF-8',
  };

  it('drops what would change the numerics and pins the threads', () => {
    const environment = trainerEnvironment({ threads: 2, device: { kind: 'cpu' } }, inherited);
    expect(environment).toMatchObject({
      PATH: '/bin',
      TF_NUM_INTRAOP_THREADS: '2',
      TF_NUM_INTEROP_THREADS: '1',
      OMP_NUM_THREADS: '2',
      CUDA_VISIBLE_DEVICES: '-1',
      TZ: 'UTC',
      LC_ALL: 'C.UTF-8',
    });
    expect(environment).not.toHaveProperty('LC_TIME');
    expect(environment).not.toHaveProperty('TF_ENABLE_ONEDNN_OPTS');
    expect(environment).not.toHaveProperty('ONEDNN_MAX_CPU_ISA');
  });

  it('shows a trainer one graphics processor, and makes it deterministic', () => {
    expect(
      trainerEnvironment({ threads: 1, device: { kind: 'gpu', index: 1 } }, inherited),
    ).toMatchObject({
      CUDA_VISIBLE_DEVICES: '1',
      TF_DETERMINISTIC_OPS: '1',
      NVIDIA_TF32_OVERRIDE: '0',
    });
  });

  it('is a fixed point', () => {
    const options = { threads: 1, device: { kind: 'cpu' } } as const;
    const once = trainerEnvironment(options, inherited);
    expect(trainerEnvironment(options, once)).toEqual(once);
  });
});

describe('numericsRecord', () => {
  it('says what computes', () => {
    const record = numericsRecord(Runtime.open());
    expect(record).toMatchObject({ node: process.versions.node, device: 'cpu' });
    expect(record.tensorflow).toMatch(/^\d+\.\d+\.\d+$/);
    expect(record.instructions.length).toBeGreaterThan(0);
  });
});

describe('isChatter', () => {
  it.each([
    [
      'WARNING: All log messages before absl::InitializeLog() is called are written to STDERR',
      true,
    ],
    [
      'I0000 00:00:1732784664.148310    4711 port.cc:153] oneDNN custom operations are on. You may see slightly different numerical results due to floating-point round-off errors from different computation orders.',
      true,
    ],
    ['W0000 00:00:1732784664.148310    4711 port.cc:153] memory is short', false],
    ['{"level":30,"msg":"oneDNN custom operations"}', false],
  ])('of %j is %s', (line, expected) => {
    expect(isChatter(line)).toBe(expected);
  });
});
