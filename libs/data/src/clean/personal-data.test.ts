import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cleanText } from './clean.js';

const RULES = ['email-addresses', 'ip-addresses', 'card-numbers', 'phone-numbers'] as const;
const replaced = (text: string) => cleanText(text, RULES).text;

const luhn = (digits: readonly number[]): number => {
  const sum = [...digits, 0]
    .reverse()
    .reduce(
      (total, digit, at) =>
        total + (at % 2 === 1 ? (digit > 4 ? 2 * digit - 9 : 2 * digit) : digit),
      0,
    );
  return (10 - (sum % 10)) % 10;
};
const digit = fc.integer({ min: 0, max: 9 });
const cardDigits = fc
  .tuple(fc.integer({ min: 3, max: 6 }), fc.array(digit, { minLength: 14, maxLength: 14 }))
  .map(([first, others]) => [first, ...others])
  .map((digits) => [...digits, luhn(digits)].join(''));
const separated = (separator: string) =>
  cardDigits.map((digits) => digits.match(/.{4}/g)?.join(separator) ?? '');
const card = fc.oneof(cardDigits, separated(' '), separated('-'));

const label = fc.stringMatching(/^[a-z][a-z0-9-]{0,9}[a-z0-9]$/);
const email = fc
  .tuple(
    fc.stringMatching(/^[A-Za-z0-9._%+-]{1,20}$/),
    fc.array(label, { minLength: 1, maxLength: 4 }),
    fc.stringMatching(/^[a-z]{2,6}$/),
  )
  .map(([local, labels, top]) => `${local}@${[...labels, top].join('.')}`);
const publicAddress = fc
  .tuple(fc.integer({ min: 11, max: 99 }), digit, digit, fc.integer({ min: 0, max: 255 }))
  .map((parts) => parts.join('.'));
const phone = fc
  .tuple(
    fc.integer({ min: 10, max: 99 }),
    fc.integer({ min: 100, max: 999 }),
    fc.integer({ min: 100_000, max: 9_999_999 }),
  )
  .chain(([country, area, number]) =>
    fc.constantFrom(
      `+${country} ${area} ${number}`,
      `+${country}-${area}-${number}`,
      `+${country} (${area}) ${number}`,
      `+${country}${area}${number}`,
    ),
  );

describe('personal data', () => {
  it('are replaced, wherever they stand between words', () => {
    const kinds = [
      [email, '<EMAIL_ADDRESS>'],
      [publicAddress, '<IP_ADDRESS>'],
      [card, '<CREDIT_CARD>'],
      [phone, '<PHONE_NUMBER>'],
    ] as const;
    const word = fc.constantFrom('call', 'in 2024', 'the', 'or', 'é', '。');
    const around = fc.constantFrom<[string, string]>(
      ['', ''],
      ['(', ')'],
      ['"', '"'],
      ['', '.'],
      ['', ','],
      [': ', '!'],
    );
    for (const [value, placeholder] of kinds)
      fc.assert(
        fc.property(word, value, around, word, (before, each, [open, close], after) => {
          const text = (inner: string) => `${before} ${open}${inner}${close} ${after}`;
          expect(replaced(text(each))).toBe(text(placeholder));
        }),
      );
  });

  it.each([
    ['Mail ann.lee+x@mail.example.co.uk, please.', 'Mail <EMAIL_ADDRESS>, please.'],
    ['from 8.8.8.8:53 and 2001:4860:4860::8888.', 'from <IP_ADDRESS>:53 and <IP_ADDRESS>.'],
    ['paid with 4111 1111 1111 1111', 'paid with <CREDIT_CARD>'],
    ['in 2024 4111-1111-1111-1111', 'in 2024 <CREDIT_CARD>'],
    ['in 2024 3577 7559 3272 0002 call', 'in 2024 <CREDIT_CARD> call'],
    ['2223 0000 4841 0010, 5555555555554444', '<CREDIT_CARD>, <CREDIT_CARD>'],
    ['amex 3782 822463 10005', 'amex <CREDIT_CARD>'],
    ['call (415) 555-2671 or 1-415-555-2671', 'call <PHONE_NUMBER> or <PHONE_NUMBER>'],
    [
      'Tel. 0171 1234567, 030/1234567 und +49 (0)89 123456',
      'Tel. <PHONE_NUMBER>, <PHONE_NUMBER> und <PHONE_NUMBER>',
    ],
    ['appelez le 01 23 45 67 89', 'appelez le <PHONE_NUMBER>'],
  ])('in %j are found', (text, expected) => {
    expect(replaced(text)).toBe(expected);
  });

  it.each([
    'on 01-02-2003, 2026-11-28 12:30:45, 28.11.2026',
    'version 1.2.3, 192.168.0.1, 127.0.0.1, 10.0.0.7 and 300.1.2.3',
    '4111 1111 1111 1112 and 1234567890123456',
    'at 20021002000000',
    'a@b, @name and user@host',
    'std::vector<int>, a::b, 12:30:45',
    'pi is 3.14159265358979, 1e+10, +5, 2 + 2',
    'ISBN 978-3-16-148410-0 and 0-306-40615-2',
    '1 000 000 000, 100 200 300, 0.123456789',
  ])('are none in %j', (text) => {
    expect(replaced(text)).toBe(text);
  });

  it('are not found in what stands in their place', () => {
    const kept = ['<EMAIL_ADDRESS>', '<IP_ADDRESS>', '<CREDIT_CARD>', '<PHONE_NUMBER>'];
    const piece = fc.constantFrom(...kept, ' ', '-', '.', '+', '(', ')', '@', ':', '/');
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        expect(replaced(pieces.join(''))).toBe(pieces.join(''));
      }),
    );
  });

  it('are searched for in time linear in the text', () => {
    const units = [
      'a',
      'a.',
      'a@',
      '@',
      '1',
      '1 ',
      '0 ',
      '01 ',
      '+1',
      '+',
      '(',
      '1.',
      '1.1.',
      '2001:',
      ':',
      '4111 ',
      '4-',
      'é',
      '.',
      '-',
    ];
    for (const unit of units) {
      const text = unit.repeat(50_000);
      expect(replaced(text).length).toBeLessThanOrEqual(16 * text.length);
    }
  });
});
