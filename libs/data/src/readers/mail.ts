import { RingmasterError } from '@ringmaster/protocol';
import type { FileRecord } from '../document.js';
import type { Bytes } from '../text/encoding.js';
import { LONGEST_DOCUMENT } from '../text/lines.js';
import { htmlToText } from './html.js';
import { MailParser } from './postal-mime.js';

/**
 * One mail as its reader sees it: the sender, the subject, a blank line, the body. No other header enters the text: those
 * are written by servers, list managers and filters, and would tell a classifier the answer. The body is the text parts;
 * an HTML part counts where there is no plain one. Attachments are left out, and so is the tag that a list manager puts
 * into a subject ("[ILUG] …").
 */
async function parseMail(mail: Buffer): Promise<{ subject: string; text: string }> {
  const envelope = mail.subarray(0, 5).toString('latin1') === 'From ';
  const message = await MailParser.parse(envelope ? mail.subarray(mail.indexOf(0x0a) + 1) : mail);
  const body = message.text ?? (message.html === undefined ? '' : htmlToText(message.html));
  const subject = (message.subject ?? '').replace(listTag, '$1');
  const { name = '', address = '' } = message.from ?? {};
  const sender = [name, address === '' ? '' : `<${address}>`]
    .filter((part) => part !== '')
    .join(' ');
  const head = [sender, subject].filter((line) => line !== '').join('\n');
  return { subject, text: `${head}\n\n${body}`.trim() };
}

const listTag = /^((?:(?:re|fwd?): *)*)\[[^\]]{1,40}\] */i;

/**
 * The one mail of a file.
 * @throws DATA_LINE_INVALID for a mail whose structure is nested too deeply to be read; DATA_DOCUMENT_TOO_LARGE
 */
export async function readMail(
  path: string,
  content: Bytes,
): Promise<{ subject: string; text: string }> {
  const mail = new MailBytes(path, 1);
  for await (const bytes of content) mail.add(bytes);
  return mail.parse();
}

/**
 * The mails of an mbox file (RFC 4155), or the one mail of an `.eml` file.
 * @throws What `readMail` throws.
 */
export async function* readMbox(path: string, content: Bytes): AsyncGenerator<FileRecord> {
  let mail = new MailBytes(path, 1);
  let line = 0;
  let afterBlank = false;
  for await (const bytes of linesWithEnds(content)) {
    line++;
    if (afterBlank && isEnvelope(bytes)) {
      yield await mail.toRecord();
      mail = new MailBytes(path, line);
    }
    mail.add(bytes);
    afterBlank = isBlank(bytes);
  }
  yield await mail.toRecord();
}

/** The bytes of one mail as they are found. */
class MailBytes {
  readonly #path: string;
  readonly #line: number;
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  constructor(path: string, line: number) {
    this.#path = path;
    this.#line = line;
  }

  add(bytes: Uint8Array): void {
    this.#length += bytes.length;
    if (this.#length > LONGEST_DOCUMENT)
      throw new RingmasterError('DATA_DOCUMENT_TOO_LARGE', { path: this.#path, line: this.#line });
    this.#parts.push(bytes);
  }

  async parse(): Promise<{ subject: string; text: string }> {
    try {
      return await parseMail(Buffer.concat(this.#parts));
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      const detail = { path: this.#path, line: this.#line, reason };
      throw new RingmasterError('DATA_LINE_INVALID', detail, { cause });
    }
  }

  async toRecord(): Promise<FileRecord> {
    const { subject, text } = await this.parse();
    const unescaped = text.replace(/^>(>*From )/gm, '$1');
    return { line: this.#line, fields: { text: unescaped, subject } };
  }
}

const LF = 0x0a;

/** Bytes as lines that keep their ends, in pieces where one is longer than a mail may be. */
async function* linesWithEnds(content: Bytes): AsyncGenerator<Buffer> {
  let begun: Buffer[] = [];
  let length = 0;
  for await (const chunk of content) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let start = 0;
    for (let end = bytes.indexOf(LF); end >= 0; end = bytes.indexOf(LF, start)) {
      const last = bytes.subarray(start, end + 1);
      yield begun.length === 0 ? last : Buffer.concat([...begun, last]);
      begun = [];
      length = 0;
      start = end + 1;
    }
    if (start < bytes.length) begun.push(bytes.subarray(start));
    length += bytes.length - start;
    if (length <= LONGEST_DOCUMENT) continue;
    yield Buffer.concat(begun);
    begun = [];
    length = 0;
  }
  if (begun.length > 0) yield Buffer.concat(begun);
}

function isBlank(line: Buffer): boolean {
  return line.length <= 2 && line.at(-1) === LF && (line.length === 1 || line[0] === 0x0d);
}

/** Longest line of a mail's head (RFC 5322). */
const LONGEST_LINE = 998;

/** Whether a line begins a mail: "From", a sender, and a date with a time and a year. */
function isEnvelope(line: Buffer): boolean {
  const FROM = 'From ';
  if (line.toString('latin1', 0, FROM.length) !== FROM) return false;
  return /^From \S+ .*\d\d:\d\d.* \d{4}/.test(line.toString('latin1', 0, LONGEST_LINE));
}
