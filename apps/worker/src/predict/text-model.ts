import {
  generate,
  generating,
  readEnds,
  type Beginning,
  type Generated,
  type Progress,
  type ServedModel,
} from '@ringmaster/tasks';
import type { Model, ModelFiles } from '@ringmaster/model';
import { RingmasterError } from '@ringmaster/protocol';
import { beginnings } from './beginnings.js';
import { cleaningOf } from './cleaning.js';
import { writtenOut } from './conversation.js';
import type { GenerationRequest } from './generation-request.js';
import type { OpenedModel } from './opened-model.js';
import { loadServed } from './served-model.js';

/** How a text is gone on with. */
export type TextOptions = Omit<GenerationRequest, 'from'>;

type Begin = NonNullable<(typeof beginnings)[keyof typeof beginnings]>;

/** A finished model that goes on with texts, or makes others of them. */
export class TextModel {
  readonly name: string;
  readonly #files: ModelFiles;
  readonly #served: ServedModel & { readonly model: Model };
  readonly #begin: Begin;
  readonly #ends: readonly number[];

  private constructor(
    { name, files }: OpenedModel,
    served: ServedModel & { readonly model: Model },
    begin: Begin,
    ends: readonly number[],
  ) {
    this.name = name;
    this.#files = files;
    this.#served = served;
    this.#begin = begin;
    this.#ends = ends;
  }

  /** @throws MODEL_UNUSABLE of one that generates no text; what reading the files throws */
  static async load(opened: OpenedModel): Promise<TextModel> {
    const { name, files, manifest } = opened;
    const served = await loadServed(name, files, cleaningOf(manifest));
    const begin = beginnings[served.model.head];
    if (begin === undefined)
      throw new RingmasterError('MODEL_UNUSABLE', {
        model: name,
        reason: 'it does not predict the next token of a text, so it generates none',
      });
    return new TextModel(opened, served, begin, await readEnds(files, served.config));
  }

  /** Most tokens that the model reads, those that it generates included where it goes on with a text. */
  get context(): number {
    return this.#served.config.model.context;
  }

  /**
   * What the model begins with, and whether a part of the prompt is left out.
   * @throws MODEL_UNUSABLE of a conversation that the model cannot be given; CHAT_TEMPLATE_INVALID
   */
  async begin(
    from: GenerationRequest['from'],
  ): Promise<{ readonly beginning: Beginning; readonly truncated: boolean }> {
    if ('prompt' in from) return this.#begin(this.#served, { text: from.prompt, isWritten: false });
    const { model, clean } = this.#served;
    const text = await writtenOut(this.name, this.#files, model.head, clean, from.messages);
    return this.#begin(this.#served, { text, isWritten: true });
  }

  /** Generates to the end, by beam search too. */
  generate(
    beginning: Beginning,
    options: TextOptions,
    told: (tokens: Progress) => void,
  ): Generated | undefined {
    const { model, tokenizer, config } = this.#served;
    const how = { ...options, constraints: config.constraints };
    return generate(model, tokenizer, [beginning], this.#ends, how, told)[0];
  }

  /** Generates the same step by step, without beam search; see `generating`. */
  steps(
    beginning: Beginning,
    options: Omit<TextOptions, 'beams'>,
  ): Generator<Progress, Generated[], void> {
    const { model, tokenizer, config } = this.#served;
    const how = { ...options, constraints: config.constraints };
    return generating(model, tokenizer, [beginning], this.#ends, how);
  }

  decode(tokens: readonly number[]): string {
    return this.#served.tokenizer.decode(tokens);
  }
}
