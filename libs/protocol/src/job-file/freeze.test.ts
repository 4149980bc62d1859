import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RingmasterError } from '../errors/registry.js';
import { frozenBy, parsePattern } from './freeze.js';

const names = [
  'embeddings.token.weight',
  'embeddings.norm.bias',
  ...Array.from({ length: 12 }, (_, block) => [
    `blocks.${block}.attention.qkv.weight`,
    `blocks.${block}.attention.norm.weight`,
    `blocks.${block}.feedforward.up.bias`,
  ]).flat(),
  'head.bias',
];
const matched = (pattern: string) => names.filter(parsePattern(pattern).matches);

describe('a pattern over names of parameters', () => {
  it.each([
    ['embeddings', /^embeddings\./],
    ['blocks.1', /^blocks\.1\./],
    ['blocks.{0..3}.**', /^blocks\.[0-3]\./],
    ['blocks.{8..11}.attention', /^blocks\.(8|9|10|11)\.attention/],
    ['blocks.*.{attention.qkv,feedforward}', /attention\.qkv|feedforward/],
    ['**.norm', /\.norm\./],
    ['**.attention.**.weight', /attention\..*weight/],
    ['**.bias', /bias$/],
    ['*.norm', /^embeddings\.norm/],
    ['blocks.1*.attention', /^blocks\.1\d?\.attention/],
    ['**', /./],
  ])('%s stands for what it matches and all under that', (pattern, expected) => {
    expect(matched(pattern)).toEqual(names.filter((name) => expected.test(name)));
  });

  it.each(['block', 'blocks.12', 'embedding', 'bias', 'head.bias.more'])(
    '%s matches nothing',
    (pattern) => {
      expect(matched(pattern)).toEqual([]);
    },
  );

  it.each([
    '',
    '.a',
    'a.',
    'a..b',
    'a**',
    'a.**b',
    '{3..1}',
    '{0..5000}',
    '{a',
    'a}',
    '{}',
    '{a,}',
  ])('%j is refused', (pattern) => {
    expect(() => parsePattern(pattern)).toThrow();
  });

  it('matches a name of which segments were replaced by what stands for them, and no other', () => {
    const word = fc.constantFrom('a', 'bc', 'd-e', 'f_1', 'norm');
    const segment = fc.oneof(
      word.map((name) => ({ name, pattern: name })),
      word.map((name) => ({ name, pattern: '*' })),
      fc.tuple(word, word).map(([name, other]) => ({ name, pattern: `{${other},${name}}` })),
      fc.tuple(fc.nat(20), fc.nat(20), fc.nat(20)).map(([low, at, high]) => ({
        name: String(low + at),
        pattern: `{${low}..${low + at + high}}`,
      })),
      fc
        .array(word, { minLength: 1, maxLength: 3 })
        .map((inner) => ({ name: inner.join('.'), pattern: '**' })),
    );
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 5 }), word, (segments, below) => {
        const { matches } = parsePattern(segments.map(({ pattern }) => pattern).join('.'));
        const name = segments.map((part) => part.name).join('.');
        expect([matches(name), matches(`${name}.${below}`)]).toEqual([true, true]);
        const literal = segments.filter(({ pattern }) => !/[*{]/.test(pattern));
        if (literal.length === segments.length) {
          expect(matches(`${name}x`)).toBe(false);
          expect(matches(`x${name}`)).toBe(false);
        }
      }),
    );
  });
});

describe('frozen parameters', () => {
  const failure = (patterns: string[]) => {
    try {
      frozenBy(patterns, names);
    } catch (error) {
      return error as RingmasterError;
    }
    throw new Error('nothing was thrown');
  };

  it('are those of any pattern', () => {
    expect([...frozenBy(['embeddings', 'blocks.{0..10}'], names)]).toEqual(names.slice(0, 35));
  });

  it.each([
    ['block.{0..3}.**', 'blocks.0'],
    ['blocks.12', 'blocks.1'],
    ['embedding', 'embeddings'],
    ['blocks.0.atention', 'blocks.0.attention'],
    ['zzzzzzzz', 'embeddings'],
  ])('of %s, which matches nothing, are an error that names %s', (pattern, near) => {
    const error = failure(['embeddings', pattern]);
    expect(error).toMatchObject({ code: 'FREEZE_UNMATCHED', detail: { pattern }, exit: 2 });
    expect((error.detail as { near: string[] }).near).toContain(near);
    expect(error.message).toContain(`'${near}'`);
  });

  it('are not all of them', () => {
    expect(failure(['**'])).toMatchObject({ code: 'FREEZE_EVERYTHING' });
    expect(failure(['embeddings', 'blocks', 'head'])).toMatchObject({ code: 'FREEZE_EVERYTHING' });
  });
});
