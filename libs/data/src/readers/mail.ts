import { RingmasterError } from '@ringmaster/protocol';
import PostalMime from 'postal-mime';
import type { FileRecord } from '../document.js';
import { htmlToText } from './html.js';

/**
 * One mail as its reader sees it: the sender, the subject, a blank line, the body. No other header enters the text: those
 * are written by servers, list managers and filters, and would tell a classifier the answer. The body is the text parts;
 * an HTML part counts where there is no plain one. Attachments are left out, and so is the tag that a list manager puts
 * into a subject ("[ILUG] …").
 */
export async function parseMail(mail: Buffer): Promise<{ subject: string; text: string }> {
  const envelope = mail.subarray(0, 5).toString('latin1') === 'From ';
  const message = await PostalMime.parse(envelope ? mail.subarray(mail.indexOf(0x0a) + 1) : mail);
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
 * The mails of an mbox file (RFC 4155), or the one mail of an `.eml` file.
 * @throws DATA_LINE_INVALID for a mail whose structure is nested too deeply to be read.
 */
export async function* readMbox(path: string, content: Buffer): AsyncGenerator<FileRecord> {
  let line = 1;
  for (const mail of splitMbox(content)) {
    try {
      const { subject, text } = await parseMail(mail);
      yield { line, fields: { text: text.replace(/^>(>*From )/gm, '$1'), subject } };
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new RingmasterError('DATA_LINE_INVALID', { path, line, reason }, { cause });
    }
    for (const byte of mail) if (byte === 0x0a) line++;
  }
}

function* splitMbox(content: Buffer): Generator<Buffer> {
  let start = 0;
  for (let at = 0; ; at++) {
    at = content.indexOf('\nFrom ', at, 'latin1');
    if (at < 0) break;
    const before = content.toString('latin1', Math.max(0, at - 2), at);
    const end = content.indexOf(0x0a, at + 1);
    const line = content.toString('latin1', at + 1, end < 0 ? content.length : end);
    if (!before.endsWith('\n') && !before.endsWith('\n\r')) continue;
    if (!/^From \S+ .*\d\d:\d\d.* \d{4}/.test(line)) continue;
    yield content.subarray(start, at + 1);
    start = at + 1;
  }
  yield content.subarray(start);
}
