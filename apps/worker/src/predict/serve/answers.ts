import { randomUUID } from 'node:crypto';
import type { Finish, Generated } from '@ringmaster/tasks';

// Answers in the shapes of OpenAI's API: https://platform.openai.com/docs/api-reference

type FinishReason = 'stop' | 'length' | null;

/** How one kind of request is answered. */
export interface Form {
  /** What ids begin with. */
  readonly prefix: string;
  readonly object: string;
  /** The kind of object of a part of a stream. */
  readonly part: string;
  /** The choice of a whole answer. */
  readonly whole: (text: string, finish: FinishReason) => object;
  /** The choice of the first part of a stream, before any text; null for none. */
  readonly opening: object | null;
  /** The choice of a part of a stream. */
  readonly delta: (text: string, finish: FinishReason) => object;
}

const completionChoice: Form['whole'] = (text, finish) => ({
  index: 0,
  text,
  logprobs: null,
  finish_reason: finish,
});

export const completionForm: Form = {
  prefix: 'cmpl',
  object: 'text_completion',
  part: 'text_completion',
  whole: completionChoice,
  opening: null,
  delta: completionChoice,
};

const chatDelta = (delta: object, finish: FinishReason) => ({
  index: 0,
  delta,
  logprobs: null,
  finish_reason: finish,
});

export const chatForm: Form = {
  prefix: 'chatcmpl',
  object: 'chat.completion',
  part: 'chat.completion.chunk',
  whole: (content, finish) => ({
    index: 0,
    message: { role: 'assistant', content, refusal: null },
    logprobs: null,
    finish_reason: finish,
  }),
  opening: chatDelta({ role: 'assistant', content: '' }, null),
  delta: (content, finish) => chatDelta(content === '' ? {} : { content }, finish),
};

/** Why a text has ended, in the words of OpenAI. */
function reasonOf(finish: Finish): FinishReason {
  return finish === 'length' ? 'length' : 'stop';
}

/** The answer to one request, whole or in parts, all of which have its id. */
export class Answer {
  readonly #form: Form;
  readonly #head: object;

  /**
   * @param model Name under which the model is served.
   * @param seed The one that brings the same text again.
   */
  constructor(form: Form, model: string, seed: number) {
    this.#form = form;
    this.#head = {
      id: `${form.prefix}-${randomUUID()}`,
      created: Math.floor(Date.now() / 1000),
      model,
      seed,
    };
  }

  whole({ text, tokens, finish }: Generated, promptTokens: number): object {
    const choices = [this.#form.whole(text, reasonOf(finish))];
    const usage = usageOf(promptTokens, tokens.length);
    return { ...this.#head, object: this.#form.object, choices, usage };
  }

  /** What comes before the text; nothing where there is no such part. */
  opening(): object[] {
    const { opening } = this.#form;
    return opening === null ? [] : [this.#part([opening])];
  }

  delta(text: string): object {
    return this.#part([this.#form.delta(text, null)]);
  }

  /** The last part, with what of the text had not been sent. */
  last(text: string, finish: Finish): object {
    return this.#part([this.#form.delta(text, reasonOf(finish))]);
  }

  usage(promptTokens: number, newTokens: number): object {
    return { ...this.#part([]), usage: usageOf(promptTokens, newTokens) };
  }

  #part(choices: readonly object[]): object {
    return { ...this.#head, object: this.#form.part, choices };
  }
}

function usageOf(promptTokens: number, newTokens: number) {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: newTokens,
    total_tokens: promptTokens + newTokens,
  };
}
