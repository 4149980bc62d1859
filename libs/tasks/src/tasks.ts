import type { HeadKind } from '@ringmaster/model';
import type { TaskName } from '@ringmaster/protocol';
import { causalLanguageModel } from './causal-language-model/index.js';
import { maskedLanguageModel } from './masked-language-model/index.js';
import { negativeSampling } from './negative-sampling/index.js';
import { sequenceToSequence } from './sequence-to-sequence/index.js';
import { spanCorruption } from './span-corruption/index.js';
import type { Task } from './task.js';
import { textClassification } from './text-classification/index.js';
import { textGeneration } from './text-generation/index.js';
import { tokenClassification } from './token-classification/index.js';

/** Every task, by its name. */
export const tasks: Readonly<Record<TaskName, Task>> = {
  'masked-language-model': maskedLanguageModel,
  'causal-language-model': causalLanguageModel,
  'negative-sampling': negativeSampling,
  'text-classification': textClassification,
  'token-classification': tokenClassification,
  'sequence-to-sequence': sequenceToSequence,
  'span-corruption': spanCorruption,
  'text-generation': textGeneration,
};

/** The task whose models have a head of this kind: of several the first. */
export function taskOfHead(head: HeadKind): Task {
  const found = Object.values(tasks).find((task) => task.head === head);
  if (found === undefined) throw new TypeError(`no task trains a ${head} head`);
  return found;
}
