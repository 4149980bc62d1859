import { randomKey, RandomStream } from '@ringmaster/base';
import type { Tokenizer } from '@ringmaster/data';
import type { Inputs, Model, TokenConstraints } from '@ringmaster/model';
import { padSequences } from '../batches/pad.js';
import { advance, bestOf, isOver, noBeams, type BeamOptions } from './beams.js';
import { constrained } from './constrained.js';
import { nextToken, type Sampling } from './sampling.js';

/** A model that goes on with texts: its head predicts the next token. */
export type LanguageModel = Pick<Model, 'cache' | 'config' | 'next' | 'select'>;

export interface GenerationOptions extends Sampling {
  /** Most new tokens. */
  readonly maxTokens: number;
  /** Hypotheses of beam search; 1 for none. */
  readonly beams: number;
  /** Texts at which a sequence ends; they are not part of it. */
  readonly stop: readonly string[];
  readonly seed: number;
  /** What is done with some tokens whatever the model makes of them; nothing without. */
  readonly constraints?: TokenConstraints | undefined;
}

/** Why a sequence ends: the token that ends texts, one of the stop strings, or no room for more. */
export type Finish = 'end' | 'stop' | 'length';

export interface Generated {
  readonly text: string;
  /** New token ids, without the one that ends a text. */
  readonly tokens: readonly number[];
  readonly finish: Finish;
}

/** What is gone on with. */
export interface Beginning {
  /** Token ids, at least one: of a prompt, or what a decoder begins with. */
  readonly tokens: readonly number[];
  /** Token ids that the encoder of an encoder–decoder reads. */
  readonly source?: readonly number[];
}

/** A sequence under way. */
interface Going {
  readonly prompt: readonly number[];
  readonly random: RandomStream;
  readonly tokens: number[];
  finish: Finish | null;
}

/** The new tokens of each sequence, after a step. */
export type Progress = readonly (readonly number[])[];

/**
 * Goes on with sequences of tokens, all at once: a function of them, the model and the options. Each sequence draws from
 * numbers of its own, so what it becomes does not depend on those beside it.
 * @param ends Tokens that end a text.
 * @param told Is told of the new tokens of each sequence after every step.
 */
export function generate(
  model: LanguageModel,
  tokenizer: Pick<Tokenizer, 'decode'>,
  beginnings: readonly Beginning[],
  ends: readonly number[],
  options: GenerationOptions,
  told: (tokens: Progress) => void = () => undefined,
): Generated[] {
  if (options.beams > 1)
    return beginnings.map((each) => search(model, tokenizer, each, ends, options));
  const steps = generating(model, tokenizer, beginnings, ends, options);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    told(step.value);
  }
}

/**
 * Does what `generate` does without beam search, a step whenever it is asked for the next one. One that is ended before
 * its time (`return`) frees what it holds.
 */
export function* generating(
  model: LanguageModel,
  tokenizer: Pick<Tokenizer, 'decode'>,
  beginnings: readonly Beginning[],
  ends: readonly number[],
  options: Omit<GenerationOptions, 'beams'>,
): Generator<Progress, Generated[], void> {
  const { context } = model.config;
  const longest = Math.max(...beginnings.map(({ tokens }) => tokens.length));
  const cache = model.cache(beginnings.length, longest + options.maxTokens);
  const all = beginnings.map(({ tokens: prompt }, at): Going => ({
    prompt,
    random: new RandomStream(randomKey(options.seed, 'generate', at)),
    tokens: [],
    finish: null,
  }));
  try {
    let going = all;
    let logits = model.next(begun(beginnings, context), cache);
    for (;;) {
      const width = logits.length / going.length;
      for (const [at, sequence] of going.entries()) {
        const { prompt, tokens, random } = sequence;
        const most = Math.min(options.maxTokens, context - prompt.length);
        const all = logits.subarray(at * width, (at + 1) * width);
        const row = constrained(all, options.constraints, tokens.length, most);
        const token = nextToken(row, [...prompt, ...tokens], options, random, tokens.length);
        sequence.finish = ends.includes(token) ? 'end' : null;
        if (sequence.finish === 'end') continue;
        tokens.push(token);
        if (stopIn(tokenizer.decode(tokens), options.stop) !== null) sequence.finish = 'stop';
        else if (tokens.length >= most) sequence.finish = 'length';
      }
      yield all.map(({ tokens }) => tokens);
      const left = going.flatMap(({ finish }, at) => (finish === null ? [at] : []));
      if (left.length === 0) break;
      if (left.length < going.length) model.select(cache, Int32Array.from(left));
      going = going.filter(({ finish }) => finish === null);
      logits = model.next(oneEach(going.map(({ tokens }) => tokens.at(-1) ?? 0)), cache);
    }
  } finally {
    cache.dispose();
  }
  return all.map(({ tokens, finish }) => generated(tokenizer, tokens, finish ?? 'length', options));
}

/** Beam search (Sutskever, Vinyals and Le, 2014) from one beginning. */
function search(
  model: LanguageModel,
  tokenizer: Pick<Tokenizer, 'decode'>,
  beginning: Beginning,
  ends: readonly number[],
  options: GenerationOptions,
): Generated {
  const { context } = model.config;
  const { tokens: prompt } = beginning;
  const most = Math.min(options.maxTokens, context - prompt.length);
  const how: BeamOptions = { ...options, ends, most };
  const cache = model.cache(1, prompt.length + most);
  try {
    let beams = noBeams;
    let logits = model.next(begun([beginning], context), cache);
    for (let length = 1; length <= most; length++) {
      const width = logits.length / beams.open.length;
      const rows = beams.open.map((_, at) => logits.subarray(at * width, (at + 1) * width));
      const { beams: next, parents } = advance(beams, rows, prompt, how);
      beams = next;
      if (length === most || isOver(beams, how)) break;
      model.select(cache, Int32Array.from(parents));
      logits = model.next(oneEach(beams.open.map(({ tokens }) => tokens.at(-1) ?? 0)), cache);
    }
    const { tokens } = bestOf(beams);
    const isEnd = ends.includes(tokens.at(-1) ?? -1);
    return generated(
      tokenizer,
      isEnd ? tokens.slice(0, -1) : tokens,
      isEnd ? 'end' : 'length',
      options,
    );
  } finally {
    cache.dispose();
  }
}

/** Beginnings as a model reads them. */
function begun(beginnings: readonly Beginning[], context: number): Inputs {
  const tokens = padSequences(
    beginnings.map((each) => each.tokens),
    0,
    context,
  );
  const sources = beginnings.flatMap(({ source }) => (source === undefined ? [] : [source]));
  return sources.length === 0 ? tokens : { ...tokens, source: padSequences(sources, 0, context) };
}

/** One token of each sequence. */
function oneEach(tokens: readonly number[]) {
  const lengths = new Int32Array(tokens.length).fill(1);
  return { sequences: tokens.length, length: 1, tokens: Int32Array.from(tokens), lengths };
}

function generated(
  tokenizer: Pick<Tokenizer, 'decode'>,
  tokens: readonly number[],
  finish: Finish,
  { stop }: Pick<GenerationOptions, 'stop'>,
): Generated {
  const text = tokenizer.decode(tokens);
  const cut = stopIn(text, stop);
  return cut === null
    ? { text, tokens, finish }
    : { text: text.slice(0, cut), tokens, finish: 'stop' };
}

/** Where the first of the stop strings begins in a text; null where there is none. */
function stopIn(text: string, stop: readonly string[]): number | null {
  const found = stop.map((each) => text.indexOf(each)).filter((at) => at >= 0);
  return found.length === 0 ? null : Math.min(...found);
}
