import { z } from 'zod';
import { SPACE } from './pre-tokenizer.js';

const simple = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('Metaspace'),
    replacement: z.literal(SPACE),
    add_prefix_space: z.boolean().optional(),
    prepend_scheme: z.enum(['always', 'first', 'never']).optional(),
  }),
  z.object({
    type: z.literal('Replace'),
    pattern: z.strictObject({ String: z.string().min(1) }),
    content: z.string(),
  }),
  z.object({ type: z.literal('ByteFallback') }),
  z.object({ type: z.literal('Fuse') }),
  z.object({ type: z.literal('Strip'), content: z.string(), start: z.int(), stop: z.int() }),
]);

/** The kinds of `decoder` of pieces that spaces are a part of. */
export const decoder = z.union([
  simple,
  z.object({ type: z.literal('Sequence'), decoders: z.array(simple) }),
]);

/** The text of tokens. */
export function decoderOf(file: z.output<typeof decoder>): (tokens: readonly string[]) => string {
  const steps = (file.type === 'Sequence' ? file.decoders : [file]).map(stepOf);
  return (tokens) => steps.reduce((parts, step) => step(parts), tokens).join('');
}

function stepOf(step: z.output<typeof simple>): (parts: readonly string[]) => readonly string[] {
  switch (step.type) {
    case 'Metaspace': {
      const isPrepended =
        (step.prepend_scheme ?? 'always') !== 'never' && step.add_prefix_space !== false;
      return (parts) =>
        parts.map((part, at) => part.replaceAll(SPACE, at === 0 && isPrepended ? '' : ' '));
    }
    case 'Replace': {
      const { pattern, content } = step;
      return (parts) => parts.map((part) => part.replaceAll(pattern.String, () => content));
    }
    case 'ByteFallback':
      return withBytes;
    case 'Fuse':
      return (parts) => [parts.join('')];
    case 'Strip':
      return (parts) => parts.map((part) => stripped(part, step));
  }
}

/** The byte that a token stands for in a vocabulary with byte fallback; null of another token. */
export function byteOf(token: string): number | null {
  const [, digits] = /^<0x([0-9A-F]{2})>$/.exec(token) ?? [];
  return digits === undefined ? null : parseInt(digits, 16);
}

/** Runs of tokens of bytes as the text that they are; as many U+FFFD as bytes where they are none. */
function withBytes(parts: readonly string[]): string[] {
  const decoded: string[] = [];
  let run: number[] = [];
  const endRun = (): void => {
    if (run.length === 0) return;
    const bytes = Buffer.from(run);
    const text = bytes.toString('utf8');
    decoded.push(Buffer.from(text).equals(bytes) ? text : '\ufffd'.repeat(run.length));
    run = [];
  };
  for (const part of parts) {
    const byte = byteOf(part);
    if (byte !== null) run.push(byte);
    else {
      endRun();
      decoded.push(part);
    }
  }
  endRun();
  return decoded;
}

function stripped(
  part: string,
  {
    content,
    start,
    stop,
  }: { readonly content: string; readonly start: number; readonly stop: number },
): string {
  let first = 0;
  while (first < start && part.startsWith(content, first * content.length)) first++;
  let end = part.length;
  for (
    let left = stop;
    left > 0 && part.slice(first * content.length, end).endsWith(content);
    left--
  )
    end -= content.length;
  return part.slice(first * content.length, end);
}
