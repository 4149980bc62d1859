import { ChatTemplate, LEARNED_AT, type ChatFormat, type ChatTemplateFile } from '@ringmaster/data';
import {
  CHAT_TEMPLATE,
  SPECIAL_TOKENS,
  TOKENIZER_CONFIG,
  type ModelFiles,
} from '@ringmaster/model/formats';
import { z } from 'zod';
import { readBytes, readTokenizerJson } from '../models/tokenizer-json.js';

export const chatMessageSchema = z.looseObject({ role: z.string().min(1), content: z.string() });

/** One turn of a conversation; a template may read more of it. */
export type ChatMessage = z.output<typeof chatMessageSchema>;

const named = z.object({ name: z.string(), template: z.string() });
const configSchema = z.looseObject({
  chat_template: z.union([z.string(), z.array(named)]).nullish(),
});
const tokenSchema = z.union([z.string(), z.object({ content: z.string() })]);

/** Roles of special tokens that templates write. */
const ROLES = [
  'bos_token',
  'eos_token',
  'unk_token',
  'sep_token',
  'pad_token',
  'cls_token',
  'mask_token',
] as const;

/** A model's chat template, and where it stands, for errors. */
export interface FoundChatFormat {
  readonly format: ChatTemplateFile;
  readonly path: string;
}

/**
 * The template of a model.
 * @returns null where there is none
 * @throws MODEL_FILE_UNREADABLE, TOKENIZER_INVALID, CHAT_TEMPLATE_INVALID
 */
export async function readChatTemplate(files: ModelFiles): Promise<ChatTemplate | null> {
  const found = await readChatFormat(files);
  return found === null ? null : new ChatTemplate(found.format, found.path);
}

/**
 * How a model is given conversations, as plain data.
 * @returns null where there is no template
 * @throws MODEL_FILE_UNREADABLE, TOKENIZER_INVALID
 */
export async function readChatFormat(files: ModelFiles): Promise<FoundChatFormat | null> {
  const source = await chatTemplateSource(files);
  if (source === null) return null;
  const config = await readTokenizerJson(files, TOKENIZER_CONFIG, configSchema);
  const others = await readTokenizerJson(files, SPECIAL_TOKENS, z.looseObject({}));
  const tokens = ROLES.flatMap((role) => {
    const token = tokenSchema.safeParse(config?.[role] ?? others?.[role]);
    if (!token.success) return [];
    return [[role, typeof token.data === 'string' ? token.data : token.data.content] as const];
  });
  const path = files.path(files.has(CHAT_TEMPLATE) ? CHAT_TEMPLATE : TOKENIZER_CONFIG);
  return { format: { source, tokens: Object.fromEntries(tokens) }, path };
}

/**
 * How conversations are written from which a model learns.
 * @returns null where it has no template
 * @throws MODEL_FILE_UNREADABLE, TOKENIZER_INVALID
 */
export async function readLearnedFormat(files: ModelFiles): Promise<ChatFormat | null> {
  const found = await readChatFormat(files);
  return found === null ? null : { ...found.format, now: LEARNED_AT };
}

/**
 * The text of a model's template: its own file, else what its tokenizer's configuration holds (of several the one named
 * `default`); null where there is none.
 * @throws MODEL_FILE_UNREADABLE, TOKENIZER_INVALID
 */
async function chatTemplateSource(files: ModelFiles): Promise<string | null> {
  if (files.has(CHAT_TEMPLATE))
    return (await readBytes(files.path(CHAT_TEMPLATE))).toString('utf8');
  return defaultOf((await readTokenizerJson(files, TOKENIZER_CONFIG, configSchema))?.chat_template);
}

function defaultOf(found: z.output<typeof configSchema>['chat_template']): string | null {
  if (typeof found === 'string') return found;
  return found?.find(({ name }) => name === 'default')?.template ?? null;
}
