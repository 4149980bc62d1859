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
  const words = text.replace(/^\s*#.*$/gm, '').split(/\s+/);
  let isWanted = false;
  let user: string | null = null;
  let password: string | null = null;
  for (let at = 0; at < words.length; at++) {
    const word = words[at];
    if (word === 'machine' || word === 'default') {
      if (isWanted && user !== null && password !== null) break;
      isWanted = word === 'default' || words[++at]?.toLowerCase() === host.toLowerCase();
      [user, password] = [null, null];
    } else if (word === 'macdef') break;
    else if (word === 'login') user = words[++at] ?? null;
    else if (word === 'password') password = words[++at] ?? null;
    else if (word === 'account') at++;
  }
  return isWanted && user !== null && password !== null ? { user, password } : null;
}
