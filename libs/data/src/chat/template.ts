import { Template } from '@huggingface/jinja';
import { RingmasterError } from '@ringmaster/protocol';
import type { Message } from '../document.js';
import { clockAt, type Moment } from './clock.js';

/** A template and what it writes. */
export interface ChatTemplateFile {
  /** A template of Jinja, as `transformers` keeps it with a tokenizer (`chat_template`). */
  readonly source: string;
  /** Special tokens by their roles (`bos_token`, …), which templates write. */
  readonly tokens: Readonly<Record<string, string>>;
}

/** How conversations are written that are learned: plain data, which preparations are keyed by. */
export interface ChatFormat extends ChatTemplateFile {
  /** What the template takes for now, so that one conversation is the same tokens on any day. */
  readonly now: Moment;
}

/** A conversation as a model reads it, and which parts of it are answers. */
export interface WrittenConversation {
  readonly text: string;
  /** Where each answer begins in the text and where it ends, ascending. */
  readonly answers: readonly (readonly [start: number, end: number])[];
}

/** The role of whoever is learned from. */
const ASSISTANT = 'assistant';

/** Characters that stand for nothing in any text (Unicode's noncharacters), around what a template marks as generated. */
const [BEGIN, END] = ['\uFDD0', '\uFDD1'];

/** Tags around what a model generates, as templates may have them for `transformers`. */
const GENERATION = /\{%(-?)\s*(end)?generation\s*(-?)%\}/g;

/** Gives a template another clock than the library's, which tells the time of the machine. Its line leaves no text behind. */
const CLOCK = '{% set strftime_now = ringmaster_clock %}\n';

/** A chat template (`apply_chat_template` of `transformers`). */
export class ChatTemplate {
  readonly #path: string;
  readonly #template: Template;
  /** The same with marks around what is generated; null where it does not say. */
  readonly #marking: Template | null;
  readonly #variables: Readonly<Record<string, unknown>>;

  /**
   * @param format Where it does not say what now is, that is when a conversation is written.
   * @param path Where it stands, for errors.
   * @throws CHAT_TEMPLATE_INVALID
   */
  constructor(format: ChatTemplateFile & Partial<ChatFormat>, path = 'chat_template.jinja') {
    const { tokens, now } = format;
    this.#path = path;
    this.#variables = now === undefined ? tokens : { ...tokens, ringmaster_clock: clockAt(now) };
    const source = `${now === undefined ? '' : CLOCK}${format.source}`;
    try {
      this.#template = new Template(source);
      const marked = source.replaceAll(
        GENERATION,
        (_, before: string, end: string | undefined, after: string) =>
          `{%${before} if true %}${end === undefined ? BEGIN : END}{% endif ${after}%}`,
      );
      this.#marking = marked === source ? null : new Template(marked);
    } catch (cause) {
      throw this.#invalid(cause);
    }
  }

  /**
   * A conversation as the text that the model reads, special tokens written out, up to where its answer begins.
   * @throws CHAT_TEMPLATE_INVALID with what the template itself says of messages that it does not take
   */
  render(messages: readonly Message[]): string {
    return this.#write(this.#template, messages, true);
  }

  /**
   * A whole conversation, and what of it the assistant says: what the template marks as generated, else what a turn of the
   * assistant adds to the text that the model is given when it is to answer (as TRL has it for completions).
   * @throws CHAT_TEMPLATE_INVALID; CHAT_TEMPLATE_REWRITES where a turn changes what was written before it
   */
  withAnswers(messages: readonly Message[]): WrittenConversation {
    const text = this.#write(this.#template, messages, false);
    if (this.#marking !== null)
      return { text, answers: this.#marked(text, this.#write(this.#marking, messages, false)) };
    const answers = messages.flatMap(({ role }, turn) => {
      if (role !== ASSISTANT) return [];
      const asked = this.#write(this.#template, messages.slice(0, turn), true);
      const answered = this.#write(this.#template, messages.slice(0, turn + 1), false);
      if (!answered.startsWith(asked) || !text.startsWith(answered))
        throw new RingmasterError('CHAT_TEMPLATE_REWRITES', { path: this.#path, turn: turn + 1 });
      return [[asked.length, answered.length] as const];
    });
    return { text, answers };
  }

  /** Where the marks of a text lie once they are taken out of it. */
  #marked(text: string, marked: string): WrittenConversation['answers'] {
    const answers: (readonly [number, number])[] = [];
    let plain = '';
    let start: number | null = null;
    for (const part of marked.split(/([\uFDD0\uFDD1])/)) {
      if (part === BEGIN) start = plain.length;
      else if (part !== END) plain += part;
      else if (start !== null) {
        answers.push([start, plain.length]);
        start = null;
      }
    }
    if (plain !== text)
      throw this.#invalid(new Error('what it marks as generated is not what it writes'));
    return answers;
  }

  #write(template: Template, messages: readonly Message[], isAsked: boolean): string {
    try {
      return template.render({ ...this.#variables, messages, add_generation_prompt: isAsked });
    } catch (cause) {
      throw this.#invalid(cause);
    }
  }

  #invalid(cause: unknown): RingmasterError {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new RingmasterError('CHAT_TEMPLATE_INVALID', { path: this.#path, reason }, { cause });
  }
}
