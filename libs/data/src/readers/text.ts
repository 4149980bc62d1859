import { RingmasterError } from '@ringmaster/protocol';
import { checkedUtf8, type Bytes } from '../text/encoding.js';
import { LONGEST_DOCUMENT } from '../text/lines.js';

export function notText(path: string, reason: string): RingmasterError {
  return new RingmasterError('DATA_NOT_TEXT', { path, reason });
}

/**
 * The whole of a text, without its byte-order mark.
 * @throws DATA_NOT_TEXT; DATA_DOCUMENT_TOO_LARGE
 */
export async function readText(path: string, content: Bytes): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const bytes of checkedUtf8(content, (reason) => notText(path, reason))) {
    length += bytes.length;
    if (length > LONGEST_DOCUMENT)
      throw new RingmasterError('DATA_DOCUMENT_TOO_LARGE', { path, line: 1 });
    parts.push(bytes);
  }
  return Buffer.concat(parts).toString('utf8');
}
