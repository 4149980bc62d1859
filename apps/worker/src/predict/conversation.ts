import type { HeadKind, ModelFiles } from '@ringmaster/model';
import { RingmasterError } from '@ringmaster/protocol';
import { readChatTemplate, type ChatMessage } from '@ringmaster/tasks';

/**
 * A conversation as the text that a model goes on with, special tokens written out.
 * @param clean Cleans what is said in a turn as it was in training.
 * @throws MODEL_UNUSABLE of one that takes no conversations; CHAT_TEMPLATE_INVALID
 */
export async function writtenOut(
  model: string,
  files: ModelFiles,
  head: HeadKind,
  clean: (text: string) => string,
  messages: readonly ChatMessage[],
): Promise<string> {
  const unusable = (reason: string) => new RingmasterError('MODEL_UNUSABLE', { model, reason });
  if (head !== 'causal-language-model')
    throw unusable('only a model that goes on with a text takes conversations');
  const template = await readChatTemplate(files);
  if (template === null) throw unusable('it has no chat template, so it takes no conversations');
  return template.render(messages.map((each) => ({ ...each, content: clean(each.content) })));
}
