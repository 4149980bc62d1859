import { existsSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeHomeDirectory, writeDurably, type Home } from '@ringmaster/base';
import { readLine } from '@ringmaster/base/home-files';
import { RingmasterError } from '@ringmaster/protocol';
import { curveKeyPair } from 'zeromq';
import { newToken } from '../access/tokens.js';

/** What a secure cluster is guarded by. */
export interface Credentials {
  /** Bearer token of whoever has the home, and of workers that are started in it. */
  readonly token: string;
  /** Token that other machines join with. */
  readonly join: string;
  /** CURVE keys of the control plane, Z85: its own, and the pair of workers that are started in the home. */
  readonly curve: {
    readonly serverPublic: string;
    readonly serverSecret: string;
    readonly clientPublic: string;
    readonly clientSecret: string;
  };
}

/** Where the token lies that other machines join with. */
function joinTokenOf(home: Home): string {
  return join(home.keys, 'join.token');
}

/**
 * The credentials under a home: `token`, and in `keys/` the files `server.public`, `server.secret`, `client.public`,
 * `client.secret` and `join.token`, one line each and readable by their owner only. Of a home that has some, what is
 * missing is made; of one that has them all nothing is written, for they may be mounted read-only.
 * @param create Whether to make them when there are none.
 */
export function readCredentials(home: Home, create: boolean): Credentials | null {
  if (!create && !isSecure(home)) return null;
  const [serverPublic, serverSecret] = keyPair(home, 'server');
  const [clientPublic, clientSecret] = keyPair(home, 'client');
  return {
    token: kept(home.token, newToken),
    join: kept(joinTokenOf(home), newToken),
    curve: { serverPublic, serverSecret, clientPublic, clientSecret },
  };
}

/** Whether a home has credentials, so that its cluster asks for them. */
export function isSecure(home: Home): boolean {
  return existsSync(home.token) && existsSync(join(home.keys, 'server.secret'));
}

/**
 * Forgets the token that other machines join with; the next start makes another.
 * @throws TOKEN_KEPT when it cannot be removed, as where it is mounted
 */
export function forgetJoinToken(home: Home): void {
  rmSync(home.join, { force: true });
  try {
    rmSync(joinTokenOf(home), { force: true });
  } catch (cause) {
    throw joinTokenKept(home, cause);
  }
}

/** The token that other machines join with was revoked, and is there all the same. */
export function joinTokenKept(home: Home, cause?: unknown): RingmasterError {
  return new RingmasterError('TOKEN_KEPT', { path: joinTokenOf(home) }, { cause });
}

function keyPair(home: Home, name: string): [publicKey: string, secretKey: string] {
  const paths = [join(home.keys, `${name}.public`), join(home.keys, `${name}.secret`)] as const;
  const [publicKey, secretKey] = paths.map(readLine);
  if (typeof publicKey === 'string' && typeof secretKey === 'string') return [publicKey, secretKey];
  const made = curveKeyPair();
  write(paths[0], made.publicKey);
  write(paths[1], made.secretKey);
  return [made.publicKey, made.secretKey];
}

/** The line of a file, which is made where there is none. */
function kept(path: string, make: () => string): string {
  const found = readLine(path);
  if (found !== null) return found;
  const made = make();
  write(path, made);
  return made;
}

function write(path: string, line: string): void {
  makeHomeDirectory(dirname(path), 0o700);
  writeDurably(path, `${line}\n`, 0o600);
}
