import { z } from 'zod';

/** The `merges` of a `tokenizer.json`: pairs, or as files before tokenizers 0.20 have them, two tokens and a space. */
export const merges = z.array(
  z.union([
    z.tuple([z.string(), z.string()]),
    z
      .string()
      .regex(/^\S+ \S+$/)
      .transform((pair): [string, string] => {
        const space = pair.indexOf(' ');
        return [pair.slice(0, space), pair.slice(space + 1)];
      }),
  ]),
);
