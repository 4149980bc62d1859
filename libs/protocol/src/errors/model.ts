import { entry } from './define.js';

/** Errors of the model library: TensorFlow, optimizers, model files. */
export const modelErrors = {
  TENSORFLOW_PLATFORM_UNSUPPORTED: entry<{ platform: string; variant: string }>({
    status: 500,
    exit: 1,
    message: ({ platform, variant }) => `There is no TensorFlow build (${variant}) for ${platform}`,
    remedy: 'Use 64-bit Linux with glibc (not Alpine) on x86 or ARM; the gpu variant needs x86.',
  }),
  TENSORFLOW_PIP_MISSING: entry<{ reason: string }>({
    status: 500,
    exit: 1,
    message: ({ reason }) =>
      `TensorFlow is fetched with Python's pip, which does not run: ${reason}`,
    remedy:
      'Install Python 3 with pip 21 or later (Debian: apt install python3-pip), then: npm run provision',
  }),
  TENSORFLOW_COMPILER_MISSING: entry<object>({
    status: 500,
    exit: 1,
    message: () => 'The TensorFlow binding is compiled with g++, which is not installed',
    remedy: 'Install it (Debian: apt install g++), then: npm run provision',
  }),
  TENSORFLOW_DOWNLOAD_FAILED: entry<{ file: string; folder: string; reason: string }>({
    status: 500,
    exit: 1,
    message: ({ file, folder, reason }) =>
      `${file} could not be downloaded into ${folder}: ${reason}`,
    remedy:
      'Check the network and the index or proxy that pip is configured with, or put that file into that folder yourself; then: npm run provision',
  }),
  TENSORFLOW_WHEEL_DAMAGED: entry<{ path: string; expected: string; found: string }>({
    status: 500,
    exit: 1,
    message: ({ path, expected, found }) => `${path} has SHA-256 ${found}, not ${expected}`,
    remedy:
      'Delete that file, then: npm run provision. If it happens again, pip uses an index that serves another file.',
  }),
  TENSORFLOW_COMPILE_FAILED: entry<{ reason: string }>({
    status: 500,
    exit: 1,
    message: ({ reason }) => `The TensorFlow binding does not compile: ${reason}`,
    remedy: 'It needs g++ 9 or later with C++17; check: g++ --version',
  }),
  TENSORFLOW_CACHE_UNWRITABLE: entry<{ path: string; reason: string }>({
    status: 500,
    exit: 1,
    message: ({ path, reason }) => `TensorFlow cannot be unpacked: ${path}: ${reason}`,
    remedy:
      'Free 1.2 GB (gpu: 8 GB) there or mend its permissions, or choose another folder with RINGMASTER_CACHE.',
  }),
  TENSORFLOW_NOT_PROVISIONED: entry<{ reason: string }>({
    status: 500,
    exit: 1,
    message: ({ reason }) => `TensorFlow does not load: ${reason}`,
    remedy: 'Fetch and build it with: npm run provision',
  }),
  TENSORFLOW_OUT_OF_MEMORY: entry<{ operation: string }>({
    status: 500,
    exit: 1,
    message: ({ operation }) => `TensorFlow ran out of memory in ${operation}`,
    remedy: 'Use more microbatches (each is then smaller), a smaller model or a shorter context.',
  }),
  MODEL_CONFIG_INVALID: entry<{ key: string; reason: string }>({
    status: 400,
    exit: 2,
    fault: 'job',
    message: ({ key, reason }) => `Model configuration '${key}' is invalid: ${reason}`,
    remedy: 'Correct the model section of the job file, or the config.json of the model.',
  }),
  CHAT_TEMPLATE_MISSING: entry<{ turns: number }>({
    status: 400,
    exit: 2,
    fault: 'job',
    message: ({ turns }) =>
      `The data have conversations, one of ${turns} turns among them, and the model that is to learn from them has no chat template`,
    remedy:
      'Start from a base that has one, put chat_template.jinja beside its tokenizer.json and import it, or give prompt and completion in place of messages.',
  }),
  COMPLETION_ENDLESS: entry<object>({
    status: 400,
    exit: 2,
    fault: 'job',
    message: () =>
      'The data have prompts with completions, and the tokenizer of the model that is to learn from them has no token that ends a text: <|endoftext|>, </s> or [SEP]',
    remedy:
      'Give messages in place of prompt and completion, whose chat template ends answers, or start from a base whose tokenizer has one of these tokens.',
  }),
  CHAT_TEMPLATE_REWRITES: entry<{ path: string; turn: number }>({
    status: 400,
    exit: 2,
    fault: 'job',
    message: ({ path, turn }) =>
      `The chat template in ${path} writes what is before turn ${turn} of a conversation otherwise once that turn is there, so that what the assistant says in it cannot be told`,
    remedy:
      'Mark what the assistant says in chat_template.jinja with {% generation %} and {% endgeneration %}, or have it write every turn the same whatever follows.',
  }),
  CHAT_TEMPLATE_INVALID: entry<{ path: string; reason: string }>({
    status: 400,
    exit: 2,
    fault: 'job',
    message: ({ path, reason }) =>
      `The chat template in ${path} cannot be applied to these messages: ${reason}`,
    remedy:
      'Give messages as the template takes them: often an optional system message, then user and assistant in turn; or correct chat_template.jinja.',
  }),
  MODEL_FILE_UNREADABLE: entry<{ path: string; reason: string }>({
    status: 400,
    exit: 2,
    message: ({ path, reason }) => `Model file ${path} cannot be read: ${reason}`,
    remedy:
      'A model directory has config.json and model.safetensors; save it so from Python with: model.save_pretrained(DIRECTORY)',
  }),
  MODEL_CONFIG_UNSUPPORTED: entry<{ path: string; reason: string }>({
    status: 400,
    exit: 2,
    fault: 'job',
    message: ({ path, reason }) => `The model of ${path} is not supported: ${reason}`,
    remedy:
      'Use a model of a family that is supported, with its usual activation, positions, layer norm and tied embeddings.',
  }),
  MODEL_NOT_IN_TRANSFORMERS: entry<{ model: string; architecture: string }>({
    status: 400,
    exit: 2,
    message: ({ model, architecture }) =>
      `Model ${model} has the architecture ${architecture}, which transformers does not have and cannot load`,
    remedy:
      'Write it in the layout of Ringmaster, which model import, predict and base: read, with: ringmaster model export MODEL DIR --own-layout',
  }),
  MODEL_TENSOR_SHAPE: entry<{
    path: string;
    tensor: string;
    expected: readonly number[];
    found: readonly number[];
  }>({
    status: 400,
    exit: 2,
    fault: 'job',
    message: ({ path, tensor, expected, found }) =>
      `${tensor} in ${path} has the shape [${found.join(', ')}], not [${expected.join(', ')}]`,
    remedy:
      'The weights and the config.json beside them are of different models; export the model again.',
  }),
  MODEL_TENSOR_MISSING: entry<{ path: string; tensor: string }>({
    status: 400,
    exit: 2,
    fault: 'job',
    message: ({ path, tensor }) => `${path} has no tensor ${tensor}`,
    remedy:
      'The weights and the config.json beside them are of different models; export the model again.',
  }),
  SAFETENSORS_INVALID: entry<{ path: string; reason: string }>({
    status: 400,
    exit: 2,
    fault: 'job',
    message: ({ path, reason }) => `${path} is damaged or not a safetensors file: ${reason}`,
    remedy: 'Copy or export it again, and compare its size with the original.',
  }),
  SAFETENSORS_DTYPE: entry<{ path: string; tensor: string; dtype: string }>({
    status: 400,
    exit: 2,
    fault: 'job',
    message: ({ path, tensor, dtype }) => `${tensor} in ${path} has the dtype ${dtype}`,
    remedy: 'Export the model with float32, float16 or bfloat16 weights, not quantised.',
  }),
} as const;
