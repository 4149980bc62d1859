import fc from 'fast-check';
import { expect, it } from 'vitest';
import { joinString, parseJoinString, type Invitation } from './join-string.js';

const z85 = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#';
const invitation: fc.Arbitrary<Invitation> = fc.record({
  url: fc.webUrl(),
  token: fc.stringMatching(/^[\w-]{16,64}$/),
  serverKey: fc.string({ unit: fc.constantFrom(...Array.from(z85)), minLength: 40, maxLength: 40 }),
  fingerprint: fc.option(
    fc
      .uint8Array({ minLength: 32, maxLength: 32 })
      .filter((bytes) => bytes.some((byte) => byte !== 0))
      .map((bytes) => Buffer.from(bytes).toString('hex')),
  ),
});

it('is read as what it was made of, and is one word for a shell', () => {
  fc.assert(
    fc.property(invitation, (given) => {
      const text = joinString(given);
      expect(text).toMatch(/^rm1_[\w-]+$/);
      expect(parseJoinString(text)).toEqual(given);
    }),
  );
});

it('is read where lines were broken in it', () => {
  fc.assert(
    fc.property(invitation, fc.nat(), (given, at) => {
      const text = joinString(given);
      const cut = at % text.length;
      expect(parseJoinString(` ${text.slice(0, cut)}\r\n  ${text.slice(cut)}\n`)).toEqual(given);
    }),
  );
});

it('tells that its end is missing, wherever it was cut', () => {
  fc.assert(
    fc.property(invitation, fc.nat(), (given, at) => {
      const text = joinString(given);
      const cut = 'rm1_'.length + (at % (text.length - 'rm1_'.length));
      expect(() => parseJoinString(text.slice(0, cut))).toThrow('its end is missing');
    }),
  );
});

it('is never taken for another when a character of it is not the one that was there', () => {
  fc.assert(
    fc.property(invitation, fc.nat(), fc.stringMatching(/^[\w-]$/), (given, at, character) => {
      const text = joinString(given);
      const where = at % text.length;
      const changed = text.slice(0, where) + character + text.slice(where + 1);
      // Bits behind the last byte mean nothing.
      const same = (one: string) => Buffer.from(one.slice(4), 'base64url').toString('hex');
      fc.pre(text.slice(0, 4) !== changed.slice(0, 4) || same(text) !== same(changed));
      expect(() => parseJoinString(changed)).toThrow(
        expect.objectContaining({ code: 'JOIN_STRING_INVALID' }),
      );
    }),
  );
});

it.each([
  ['', 'does not begin'],
  ['https://10.0.0.1:4000', 'does not begin'],
  ['rm2_AAAA', 'version 2'],
  ['rm1_', 'end is missing'],
  ['rm1_a$b', 'characters'],
])('%j is none', (text, reason) => {
  expect(() => parseJoinString(text)).toThrow(reason);
});
