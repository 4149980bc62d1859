import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeHomeDirectory, writeDurably, type Home } from '@ringmaster/base';
import { curveKeyPair } from 'zeromq';

/** What a secure cluster is guarded by. */
export interface Credentials {
  /** Bearer token of the API, which workers register with as well. */
  readonly token: string;
  /** CURVE keys of the control plane, Z85. Every worker has the one client pair. */
  readonly curve: {
    readonly serverPublic: string;
    readonly serverSecret: string;
    readonly clientPublic: string;
    readonly clientSecret: string;
  };
}

/**
 * The credentials under a home: `token`, and in `keys/` the files `server.public`, `server.secret`, `client.public`
 * and `client.secret`, one line each and readable by their owner only.
 * @param create Whether to make them when there are none.
 */
export function readCredentials(home: Home, create: boolean): Credentials | null {
  const paths = {
    serverPublic: join(home.keys, 'server.public'),
    serverSecret: join(home.keys, 'server.secret'),
    clientPublic: join(home.keys, 'client.public'),
    clientSecret: join(home.keys, 'client.secret'),
  };
  const complete = [home.token, ...Object.values(paths)].every((path) => existsSync(path));
  if (!complete && !create) return null;
  if (!complete) {
    makeHomeDirectory(home.keys, 0o700);
    const [server, client] = [curveKeyPair(), curveKeyPair()];
    const write = (path: string, text: string) => {
      writeDurably(path, `${text}\n`, 0o600);
    };
    write(paths.serverPublic, server.publicKey);
    write(paths.serverSecret, server.secretKey);
    write(paths.clientPublic, client.publicKey);
    write(paths.clientSecret, client.secretKey);
    write(home.token, randomBytes(24).toString('base64url'));
  }
  const read = (path: string) => readFileSync(path, 'utf8').trim();
  return {
    token: read(home.token),
    curve: {
      serverPublic: read(paths.serverPublic),
      serverSecret: read(paths.serverSecret),
      clientPublic: read(paths.clientPublic),
      clientSecret: read(paths.clientSecret),
    },
  };
}
