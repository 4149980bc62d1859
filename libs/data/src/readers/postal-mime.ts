import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { compileFunction } from 'node:vm';
import { TextDecoder } from '@exodus/bytes/encoding.js';
import type PostalMime from 'postal-mime';

/**
 * What the mail library finds in place of the platform's globals, so that no byte of a text depends on a version of Node,
 * a time zone or a locale (docs/decisions/0022): decoders by the tables of the WHATWG Encoding Standard, and neither
 * dates nor their formats, which leaves the date of a forwarded mail as its header has it.
 */
const globals = {
  TextDecoder,
  Intl: undefined,
  Date: class {
    toString(): string {
      return 'Invalid Date';
    }
  },
} as const;

const names = ['module', 'exports', 'require', ...Object.keys(globals)];
const values = Object.values(globals);

/** The modules of the library by their paths. */
const loaded = new Map<string, { exports: unknown }>();

function load(path: string): unknown {
  const known = loaded.get(path);
  if (known !== undefined) return known.exports;
  const module = { exports: {} as unknown };
  loaded.set(path, module);
  const run = compileFunction(readFileSync(path, 'utf8'), names, { filename: path });
  const require = (name: string) => load(resolve(dirname(path), name));
  Reflect.apply(run, undefined, [module, module.exports, require, ...values]);
  return module.exports;
}

const library = load(createRequire(import.meta.url).resolve('postal-mime')) as {
  readonly default: typeof PostalMime;
};

/** The parser of `postal-mime`, with the globals that it reads held fast. */
export const MailParser: typeof PostalMime = library.default;
