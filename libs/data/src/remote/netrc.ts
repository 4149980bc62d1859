import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** A user and a password. */
export interface Login {
  readonly user: string;
  readonly password: string;
}

/**
 * What `~/.netrc`, or the file that NETRC names, has for a host, as curl reads it (netrc(5)); null where it has nothing.
 * @param environment By default that of this process.
 */
export function loginFor(host: string, environment: NodeJS.ProcessEnv = process.env): Login | null {
  let text: string;
  try {
    text = readFileSync(environment['NETRC'] ?? join(homedir(), '.netrc'), 'utf8');
  } catch {
    return null; // Most users have none.
  }
  return loginIn(text, host);
}

/** The login for a host in the text of a netrc file: that of its own entry, else of the default one behind it. */
export function loginIn(text: string, host: string): Login | null {
  const words = wordsOf(text);
  let isWanted = false;
  let user: string | null = null;
  let password: string | null = null;
  for (let at = 0; at < words.length; at++) {
    const word = words[at];
    if (word === 'machine' || word === 'default') {
      if (isWanted && user !== null && password !== null) break;
      isWanted = word === 'default' || words[++at]?.toLowerCase() === host.toLowerCase();
      [user, password] = [null, null];
    } else if (word === 'login') user = words[++at] ?? null;
    else if (word === 'password') password = words[++at] ?? null;
    else if (word === 'account') at++;
  }
  return isWanted && user !== null && password !== null ? { user, password } : null;
}

/** A macro up to its empty line, a line of comment, a word in quotation marks, or one without. */
const PIECE = /macdef\s.*?(?:\n[^\S\n]*\n|(?![^]))|^[^\S\n]*#[^\n]*|"((?:[^"\\]|\\.)*)"?|(\S+)/gms;
const ESCAPED: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

/** The words of a netrc file without macros and comments, of those in quotation marks what they stand for. */
function wordsOf(text: string): string[] {
  const unescaped = (quoted: string) =>
    quoted.replace(/\\(.)/gs, (_, escaped: string) => ESCAPED[escaped] ?? escaped);
  return [...text.replaceAll('\r\n', '\n').matchAll(PIECE)].flatMap(([, quoted, bare]) => {
    if (quoted !== undefined) return [unescaped(quoted)];
    return bare === undefined ? [] : [bare];
  });
}
