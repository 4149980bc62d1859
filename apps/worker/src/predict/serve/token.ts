import { readFile } from 'node:fs/promises';
import { fileReason } from '@ringmaster/base';
import type { Access } from '@ringmaster/base/server';
import { RingmasterError, sha256 } from '@ringmaster/protocol';

/** Shortest token that is taken, in characters. */
const SHORTEST = 16;

/**
 * Judges the tokens of requests by the one in a file.
 * @param path Null where none is asked for.
 * @throws SERVE_TOKEN_UNUSABLE
 */
export async function judgeOfToken(path: string | null): Promise<Access['tokens']> {
  if (path === null) return { refusal: () => null };
  const token = (
    await readFile(path, 'utf8').catch((cause: unknown) => {
      const reason = fileReason(cause) ?? String(cause);
      throw new RingmasterError('SERVE_TOKEN_UNUSABLE', { path, reason }, { cause });
    })
  ).trim();
  if (!/^[\x21-\x7e]+$/.test(token) || token.length < SHORTEST) {
    const reason = `it is no word of at least ${SHORTEST} characters of ASCII`;
    throw new RingmasterError('SERVE_TOKEN_UNUSABLE', { path, reason });
  }
  // Compared by their hashes, so that the time that it takes tells nothing of one.
  const wanted = sha256(token);
  return {
    refusal: (given, needs) => {
      if (needs === 'nothing' || (given !== null && sha256(given) === wanted)) return null;
      const remedy = 'Send the one that the server was started with: Authorization: Bearer TOKEN';
      return new RingmasterError('UNAUTHORIZED', {}, { remedy });
    },
  };
}
