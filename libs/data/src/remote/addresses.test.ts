import { describe, expect, it } from 'vitest';
import { isPublicAddress } from './addresses.js';
import { keyPattern } from './key-pattern.js';
import { loginIn } from './netrc.js';

describe('isPublicAddress', () => {
  it.each(['8.8.8.8', '1.1.1.1', '172.32.0.1', '2606:4700:4700::1111', '::ffff:8.8.8.8'])(
    '%s is',
    (address) => {
      expect(isPublicAddress(address)).toBe(true);
    },
  );
  it.each([
    '127.0.0.1',
    '0.0.0.0',
    '10.1.2.3',
    '172.16.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    '::',
    'fe80::1',
    'fd00::1',
    'ff02::1',
    '::ffff:127.0.0.1',
    '::ffff:10.0.0.1',
    '::ffff:7f00:1',
    '64:ff9b::a00:1',
    '2002:a00:1::',
  ])('%s is not', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
});

describe('loginIn', () => {
  const text = `# machine a login no password no
machine a login first password one
machine B.example
  login "second" account x
  password two
default login anonymous password me`;

  it('takes the entry of the host, else the default one', () => {
    expect(loginIn(text, 'a')).toEqual({ user: 'first', password: 'one' });
    expect(loginIn(text, 'b.example')).toEqual({ user: 'second', password: 'two' });
    expect(loginIn(text, 'c')).toEqual({ user: 'anonymous', password: 'me' });
    expect(loginIn('machine a login first\nmachine c login x password y', 'a')).toBeNull();
  });

  it('has words in quotation marks, and passes over macros', () => {
    const macro = 'macdef init\n  machine m login no password no\n \n';
    const quoted = String.raw`machine m login "a \"b\" \\" password "p\tq #r"`;
    for (const given of [`${macro}${quoted}`, `${quoted}\n${macro}`, `machine x\r\n${quoted}\r\n`])
      expect(loginIn(given, 'm')).toEqual({ user: 'a "b" \\', password: 'p\tq #r' });
    expect(loginIn('machine m login me password #1\n# machine', 'm')?.password).toBe('#1');
    expect(loginIn(`${macro.trimEnd()}\n${quoted}`, 'm')).toBeNull();
  });
});

describe('keyPattern', () => {
  const meant = (pattern: string, keys: readonly string[]) =>
    keys.filter((key) => keyPattern(pattern)(key) === 'meant');
  const keys = [
    'a.txt',
    'texts/',
    'texts/b.txt',
    'texts/c.jsonl',
    'texts/.d.txt',
    'texts/e/f.txt',
    'texts/.g/h.txt',
  ];

  it('takes what is under a prefix, without what is hidden and marks of folders', () => {
    expect(meant('texts/', keys)).toEqual(['texts/b.txt', 'texts/c.jsonl', 'texts/e/f.txt']);
    expect(meant('', keys)).toEqual(['a.txt', 'texts/b.txt', 'texts/c.jsonl', 'texts/e/f.txt']);
    expect(keyPattern('texts/')('texts/.g/h.txt')).toBe('hidden');
    expect(keyPattern('texts/.g/')('texts/.g/h.txt')).toBe('meant');
  });

  it.each([
    ['texts/*.txt', ['texts/b.txt']],
    ['*.txt', ['a.txt']],
    ['**/*.txt', ['a.txt', 'texts/b.txt', 'texts/e/f.txt']],
    ['texts/**', ['texts/b.txt', 'texts/c.jsonl', 'texts/e/f.txt']],
    ['texts/?.txt', ['texts/b.txt']],
    ['texts/.*.txt', ['texts/.d.txt']],
    ['t(e|x)*', []],
  ])('%s', (pattern, expected) => {
    expect(meant(pattern, keys)).toEqual(expected);
  });
});
