/** A line without its end, by its number from 1. */
export interface NumberedLine {
  readonly line: number;
  readonly content: string;
}

/**
 * The lines of UTF-8 as they come. A line ends with LF, CR LF or CR, and with nothing else: JSON may hold U+2028. A
 * byte-order mark is left out.
 */
export async function* numberedLines(
  input: AsyncIterable<Uint8Array>,
): AsyncGenerator<NumberedLine> {
  const decoder = new TextDecoder('utf-8');
  let line = 0;
  let rest = '';
  for await (const chunk of input) {
    const text = rest + decoder.decode(chunk, { stream: true });
    // A CR at the end may be the first half of CR LF.
    const whole = text.endsWith('\r') ? text.slice(0, -1) : text;
    const lines = whole.split(/\r\n|\n|\r/);
    rest = (lines.pop() ?? '') + text.slice(whole.length);
    for (const content of lines) yield { line: ++line, content };
  }
  rest += decoder.decode();
  if (rest !== '') yield { line: ++line, content: rest.replace(/\r$/, '') };
}
