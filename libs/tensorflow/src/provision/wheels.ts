/** Which build of TensorFlow: for the processor, or for NVIDIA devices. */
export type Variant = 'cpu' | 'gpu';

/** One wheel of the Python package index, pinned by its hash. */
export interface Wheel {
  readonly project: string;
  readonly version: string;
  /** Platform tag that pip is asked for. */
  readonly tag: string;
  readonly file: string;
  /** SHA-256 of the wheel, hex. */
  readonly sha256: string;
}

export const TENSORFLOW_VERSION = '2.21.0';

function tensorflow(project: string, tag: string, sha256: string): Wheel {
  const version = TENSORFLOW_VERSION;
  const file = `${project}-${version}-cp311-cp311-${tag}.whl`;
  return { project, version, tag, file, sha256 };
}

function nvidia(project: string, version: string, tags: string, sha256: string): Wheel {
  const tag = tags.split('.')[0] ?? tags;
  const file = `nvidia_${project}_cu12-${version}-py3-none-${tags}.whl`;
  return { project: `nvidia-${project.replaceAll('_', '-')}-cu12`, version, tag, file, sha256 };
}

const MANYLINUX_2010 = 'manylinux2010_x86_64.manylinux_2_12_x86_64';
const MANYLINUX_2014 = 'manylinux2014_x86_64.manylinux_2_17_x86_64';
const MANYLINUX_2_27 = 'manylinux_2_27_x86_64';

/**
 * The wheels of each variant and platform (`process.platform-process.arch`). The CUDA wheels are those that
 * `tensorflow[and-cuda]` asks for. Only `cpu` on `linux-x64` is run by our tests.
 */
export const wheels: Readonly<
  Record<Variant, Readonly<Partial<Record<string, readonly Wheel[]>>>>
> = {
  cpu: {
    'linux-x64': [
      tensorflow(
        'tensorflow_cpu',
        MANYLINUX_2_27,
        '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
      ),
    ],
    'linux-arm64': [
      tensorflow(
        'tensorflow',
        'manylinux_2_27_aarch64',
        '4b24aca16d527a3cf1c37f720c04c484c3d20f4d0fdfa98632ac8b9f3be6eb5c',
      ),
    ],
  },
  gpu: {
    'linux-x64': [
      tensorflow(
        'tensorflow',
        MANYLINUX_2_27,
        '9056fbc9ba04235810b71ae6cbd958a196e8804fb53bbcffbf3e23b56155f124',
      ),
      nvidia(
        'cublas',
        '12.9.3.13',
        MANYLINUX_2_27,
        'd7d51055f161b317c7105ddaae90e71eda059026074ffef93cf7cde2886bfe72',
      ),
      nvidia(
        'cuda_cupti',
        '12.8.90',
        MANYLINUX_2014,
        'ea0cb07ebda26bb9b29ba82cda34849e73c166c18162d3913575b0c9db9a6182',
      ),
      nvidia(
        'cuda_nvcc',
        '12.9.86',
        MANYLINUX_2010,
        '5d6a0d32fdc7ea39917c20065614ae93add6f577d840233237ff08e9a38f58f0',
      ),
      nvidia(
        'cuda_nvrtc',
        '12.9.86',
        MANYLINUX_2010,
        '210cf05005a447e29214e9ce50851e83fc5f4358df8b453155d5e1918094dcb4',
      ),
      nvidia(
        'cuda_runtime',
        '12.9.79',
        MANYLINUX_2014,
        '25bba2dfb01d48a9b59ca474a1ac43c6ebf7011f1b0b8cc44f54eb6ac48a96c3',
      ),
      nvidia(
        'cudnn',
        '9.28.0.42',
        MANYLINUX_2_27,
        '9ff58b7f36dacd0a93e89f8f2957b52466889217963701daa15e577317cfa375',
      ),
      nvidia(
        'cufft',
        '11.4.1.4',
        MANYLINUX_2014,
        'c67884f2a7d276b4b80eb56a79322a95df592ae5e765cf1243693365ccab4e28',
      ),
      nvidia(
        'curand',
        '10.3.10.19',
        MANYLINUX_2_27,
        '49b274db4780d421bd2ccd362e1415c13887c53c214f0d4b761752b8f9f6aa1e',
      ),
      nvidia(
        'cusolver',
        '11.7.5.82',
        MANYLINUX_2_27,
        '15da72d1340d29b5b3cf3fd100e3cd53421dde36002eda6ed93811af63c40d88',
      ),
      nvidia(
        'cusparse',
        '12.5.10.65',
        MANYLINUX_2014,
        '73060ce019ac064a057267c585bf1fd5a353734151f87472ff02b2c5c9984e78',
      ),
      nvidia(
        'nccl',
        '2.32.3',
        MANYLINUX_2_27,
        'bb94b2348e4861d5e8aa00b36c3d12d9bdf9c6369b82cbb723de0b582280a21c',
      ),
      nvidia(
        'nvjitlink',
        '12.9.86',
        MANYLINUX_2010,
        'e3f1171dbdc83c5932a45f0f4c99180a70de9bd2718c1ab77d14104f6d7147f9',
      ),
    ],
  },
};

const HEADERS = [
  'tensorflow/include/tensorflow/c/',
  'tensorflow/include/tensorflow/core/common_runtime/next_pluggable_device/c/',
  'tensorflow/include/tensorflow/core/platform/',
  'tensorflow/include/tensorflow/compiler/xla/tsl/',
  'tensorflow/include/tsl/',
  'tensorflow/include/xla/tsl/',
];

const LIBRARY =
  /^(?:tensorflow\/libtensorflow_(?:cc|framework)\.so\.2|nvidia\/[^/]+\/lib\/[^/]+\.so[^/]*|nvidia\/cuda_nvcc\/(?:bin\/ptxas|nvvm\/libdevice\/.+))$/;

/** What a member of a wheel is to us: a header for compiling, a library for running, or nothing. */
export function memberKind(path: string): 'header' | 'library' | 'unused' {
  if (LIBRARY.test(path)) return 'library';
  return HEADERS.some((folder) => path.startsWith(folder)) ? 'header' : 'unused';
}
