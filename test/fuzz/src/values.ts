import type { Draws } from './draws.js';

/** What stands where something else is meant. */
function oddValue(draws: Draws, format: Format): unknown {
  if (format === 'msgpack' && draws.oneIn(4))
    return draws.of<unknown>([
      2n ** 64n - 1n,
      -(2n ** 63n),
      NaN,
      Buffer.alloc(3),
      new Date(NaN),
      new Set([1]),
    ]);
  return draws.of<unknown>([
    null,
    true,
    '',
    '\u0000',
    '__proto__',
    'NaN',
    0,
    -1,
    0.5,
    1e308,
    -1e-320,
    2 ** 31,
    2 ** 32,
    2 ** 53,
    1e21,
    [],
    {},
    [[]],
    [null],
    { '': null },
    { length: 1e9 },
    'x'.repeat(5000),
    '\ud800',
    '1e9',
    Array.from({ length: 40 }, (_, at) => at),
    nested(draws.below(200)),
  ]);
}

function nested(depth: number): unknown {
  let value: unknown = 0;
  for (let at = 0; at < depth; at++) value = at % 2 === 0 ? [value] : { a: value };
  return value;
}

/** What a value is written in: msgpack has more kinds than JSON. */
export type Format = 'json' | 'msgpack';

/** The same value, with something in it that is another, is missing, or has another name. */
function altered(value: unknown, draws: Draws, format: Format): unknown {
  if (typeof value !== 'object' || value === null || draws.oneIn(12))
    return oddValue(draws, format);
  if (Array.isArray(value)) {
    const copy: unknown[] = [...(value as unknown[])];
    const at = draws.below(copy.length + 1);
    switch (draws.below(4)) {
      case 0:
        copy.splice(at, 1);
        break;
      case 1:
        copy.splice(at, 0, copy[draws.below(copy.length)]);
        break;
      default:
        copy[at] = altered(copy[at], draws, format);
    }
    return copy;
  }
  const entries = Object.entries(value);
  const at = draws.below(entries.length);
  const [key = 'key', inner] = entries[at] ?? [];
  switch (draws.below(6)) {
    case 0:
      entries.splice(at, 1);
      break;
    case 1:
      entries[at] = [draws.of(['__proto__', 'constructor', '', 'toString', `${key}x`]), inner];
      break;
    case 2:
      entries.push([
        draws.of(['__proto__', 'constructor', 'hasOwnProperty', `${key}2`]),
        oddValue(draws, format),
      ]);
      break;
    default:
      entries[at] = [key, altered(inner, draws, format)];
  }
  // `fromEntries` makes `__proto__` a key like any other, which is what a parser does.
  return Object.fromEntries(entries);
}

/** A value with one to three alterations. */
export function alteredOften(value: unknown, draws: Draws, format: Format = 'json'): unknown {
  let copy = value;
  for (let count = 1 + draws.below(3); count > 0; count--) copy = altered(copy, draws, format);
  return copy;
}
