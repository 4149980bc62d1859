import { expect, it } from 'vitest';
import { parsePortRange } from './ports.js';

it.each([
  ['41000-41999', { first: 41_000, last: 41_999 }],
  ['41000', { first: 41_000, last: 41_000 }],
  ['1-65535', { first: 1, last: 65_535 }],
])('%s are ports', (text, range) => {
  expect(parsePortRange(text)).toEqual(range);
});

it.each(['', '-', '0-9', '9-8', '1-65536', '1-', '-1', '1-2-3', 'a-b', ' 1-2', '1.5-2'])(
  "'%s' is no range of ports",
  (text) => {
    expect(parsePortRange(text)).toBeNull();
  },
);
