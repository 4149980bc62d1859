import { loadTokenizer, trainTokenizer } from '@ringmaster/data';
import { pairedTextsOf } from '@ringmaster/protocol';
import { describe, expect, it } from 'vitest';
import { tokenizerFiles, tokensOf } from './tokenizer-files.js';

const TEXTS = ['red green blue cats and dogs run over a lazy fox'];
const wordPieces = trainTokenizer(TEXTS, {
  algorithm: 'wordpiece',
  vocabulary: 300,
  lowercase: true,
});
const bytePairs = trainTokenizer(TEXTS, { algorithm: 'bpe', vocabulary: 300, lowercase: false });

const parsed = (files: Record<string, string | Buffer>, name: string) =>
  JSON.parse(String(files[name] ?? 'null')) as Record<string, unknown> | null;

describe('the files of a tokenizer', () => {
  it('name the special tokens of a BERT, and its inputs', () => {
    const files = tokenizerFiles(wordPieces, {
      inputs: ['token_type_ids'],
      head: 'masked-language-model',
      kind: 'encoder',
      texts: null,
      context: 32,
    });
    const roles = {
      pad_token: '[PAD]',
      unk_token: '[UNK]',
      cls_token: '[CLS]',
      sep_token: '[SEP]',
      mask_token: '[MASK]',
    };
    expect(parsed(files, 'special_tokens_map.json')).toEqual(roles);
    expect(parsed(files, 'tokenizer_config.json')).toMatchObject({
      ...roles,
      model_max_length: 32,
      model_input_names: ['input_ids', 'token_type_ids', 'attention_mask'],
    });
    expect(files['tokenizer.json']).toBe(wordPieces);
    expect(files['generation_config.json']).toBeUndefined();
  });

  it('give a GPT a token to pad with and to end with, and no token types', () => {
    const files = tokenizerFiles(bytePairs, {
      inputs: [],
      head: 'causal-language-model',
      kind: 'decoder',
      texts: null,
      context: 32,
    });
    const roles = ['pad_token', 'unk_token', 'bos_token', 'eos_token'];
    expect(parsed(files, 'special_tokens_map.json')).toEqual(
      Object.fromEntries(roles.map((role) => [role, '<|endoftext|>'])),
    );
    expect(parsed(files, 'tokenizer_config.json')).toMatchObject({
      model_input_names: ['input_ids', 'attention_mask'],
      padding_side: 'left',
    });
    const { endOfText } = loadTokenizer(bytePairs);
    expect(parsed(files, 'generation_config.json')).toMatchObject({
      bos_token_id: endOfText,
      eos_token_id: endOfText,
      pad_token_id: endOfText,
      max_length: 32,
    });
    expect(files['tokenizer.json']).toBe(bytePairs);
    expect(
      tokensOf(loadTokenizer(bytePairs), { head: 'causal-language-model', texts: null }),
    ).toEqual({
      padding: endOfText,
      begin: endOfText,
      end: endOfText,
    });
  });

  it('of a model of a base for conversations end with what its answers end with and with what texts do', () => {
    const { endOfText } = loadTokenizer(bytePairs);
    const endsOf = (ends: readonly number[]) => {
      const files = tokenizerFiles(bytePairs, {
        inputs: [],
        head: 'causal-language-model',
        kind: 'decoder',
        texts: null,
        context: 32,
        chat: { roles: {}, ends },
      });
      return parsed(files, 'generation_config.json');
    };
    expect(endsOf([7, 9])).toMatchObject({ eos_token_id: [7, 9, endOfText] });
    expect(endsOf([endOfText ?? -1])).toMatchObject({ eos_token_id: endOfText });
    expect(endsOf([])).toMatchObject({ eos_token_id: endOfText });
  });

  it('of a causal model with word pieces end a text with [SEP], between which it was trained', () => {
    const files = tokenizerFiles(wordPieces, {
      inputs: [],
      head: 'causal-language-model',
      kind: 'decoder',
      texts: null,
      context: 32,
    });
    const ends = { bos_token: '[SEP]', eos_token: '[SEP]', pad_token: '[PAD]' };
    expect(parsed(files, 'tokenizer_config.json')).toMatchObject(ends);
    const { separate, pad } = loadTokenizer(wordPieces);
    expect(parsed(files, 'generation_config.json')).toMatchObject({
      bos_token_id: separate,
      eos_token_id: separate,
      pad_token_id: pad,
    });
    expect(loadTokenizer(String(files['tokenizer.json'])).surroundings).toEqual({
      before: [],
      after: [],
    });
  });

  it('of a masked model with byte pairs have the roles that they have in RoBERTa', () => {
    const bytes = {
      algorithm: 'bpe',
      vocabulary: 300,
      lowercase: false,
      special: 'roberta',
    } as const;
    const json = trainTokenizer(TEXTS, bytes);
    const files = tokenizerFiles(json, {
      inputs: [],
      head: 'masked-language-model',
      kind: 'encoder',
      texts: null,
      context: 32,
    });
    expect(parsed(files, 'special_tokens_map.json')).toEqual({
      bos_token: '<s>',
      eos_token: '</s>',
      unk_token: '<unk>',
      sep_token: '</s>',
      pad_token: '<pad>',
      cls_token: '<s>',
      mask_token: '<mask>',
    });
    expect(files['tokenizer.json']).toBe(json);
  });

  it('of an encoder–decoder end a text, and say where its decoder begins', () => {
    const json = trainTokenizer(TEXTS, {
      algorithm: 'bpe',
      vocabulary: 300,
      lowercase: false,
      special: 'roberta',
    });
    for (const [each, end] of [
      [json, '</s>'],
      [wordPieces, '[SEP]'],
    ] as const) {
      const { pad, separate } = loadTokenizer(each);
      const files = tokenizerFiles(each, {
        inputs: [],
        head: 'sequence-to-sequence',
        kind: 'encoder-decoder',
        texts: pairedTextsOf('t5'),
        context: 32,
      });
      const { surroundings } = loadTokenizer(String(files['tokenizer.json']));
      expect(surroundings).toEqual({ before: [], after: [separate] });
      const roles = parsed(files, 'special_tokens_map.json') as object;
      expect(roles).toMatchObject({ eos_token: end });
      expect(roles).not.toHaveProperty('bos_token');
      expect(parsed(files, 'generation_config.json')).toEqual({
        _from_model_config: true,
        decoder_start_token_id: pad,
        eos_token_id: separate,
        pad_token_id: pad,
        max_length: 32,
      });
    }
  });

  it('of a decoder that classifies put nothing after a text, as in training', () => {
    const use = {
      inputs: [],
      head: 'sequence-classification',
      kind: 'decoder',
      texts: null,
    } as const;
    for (const [json, before] of [
      [bytePairs, []],
      [wordPieces, [loadTokenizer(wordPieces).classify]],
    ] as const) {
      const files = tokenizerFiles(json, { ...use, context: 32 });
      const { surroundings } = loadTokenizer(String(files['tokenizer.json']));
      expect(surroundings).toEqual({ before, after: [] });
    }
  });

  it('surround a text as training did, whatever the tokenizer did before', () => {
    for (const json of [bytePairs, wordPieces]) {
      const tokenizer = loadTokenizer(json);
      const ids = tokenizer.encode('red cats');
      const files = tokenizerFiles(JSON.stringify({ ...JSON.parse(json), post_processor: null }), {
        inputs: ['token_type_ids'],
        head: 'sequence-classification',
        kind: 'encoder',
        texts: null,
        context: 32,
      });
      const written = String(files['tokenizer.json']);
      const { classify, separate, endOfText } = tokenizer;
      const first = classify === null ? [] : [classify];
      const expected = [...first, ...ids, separate ?? endOfText];
      const { before, after } = loadTokenizer(written).surroundings;
      expect([...before, ...ids, ...after]).toEqual(expected);
    }
  });
});
