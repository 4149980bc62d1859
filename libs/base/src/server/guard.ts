import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { Need } from '@ringmaster/protocol';
import { RingmasterError } from '@ringmaster/protocol/errors';

/** What a server asks of whoever makes a request. */
export interface Access {
  /** Judges the bearer token that a request has. */
  readonly tokens: { refusal(given: string | null, needs: Need): RingmasterError | null };
  /** Whether the server listens on a loopback address, where a web page in a browser of this machine could reach it. */
  readonly loopback: boolean;
  /** The name or address that it was told to listen on. */
  readonly host: string;
  /** Further names under which it is reached, by a proxy perhaps. */
  readonly allowedHosts: readonly string[];
}

/** Methods that change nothing (RFC 9110, section 9.2.1). */
const SAFE = ['GET', 'HEAD', 'OPTIONS', 'TRACE'];

/**
 * Decides whether a request may go on.
 * - What is not open asks for a token with the scope that the route needs.
 * - A name in its Host that is not one of this server was made to point here: DNS rebinding, with which a foreign web
 *   page reads and writes as if it came from here.
 * - A request that changes something and was sent by a page of another origin was not meant by its user: cross-site
 *   request forgery. Who is no browser sends neither Origin nor Sec-Fetch-Site.
 * @param needs What the route that it was routed to asks for; a request that is no route's is not open either.
 * @returns why it may not, or null
 */
export function refusalOf(
  { method = '', url = '', headers, headersDistinct, httpVersion }: IncomingMessage,
  needs: Need,
  { tokens, loopback, host, allowedHosts }: Access,
): RingmasterError | null {
  const stranger = tokens.refusal(bearerOf(headers.authorization), needs);
  if (stranger !== null) return stranger;
  const hosts = headersDistinct['host'] ?? [];
  if (hosts.length > 1 || (hosts.length === 0 && httpVersion !== '1.0'))
    return new RingmasterError('REQUEST_INVALID', { reason: 'it must have one Host header' });
  // The authority of an absolute request target takes the place of the header (RFC 9112, section 3.2.2).
  const addressed = [...hosts, ...authorityOf(url)];
  const names = [host, ...allowedHosts];
  const foreign = loopback ? addressed.find((each) => !isOwnHost(each, names)) : undefined;
  if (foreign !== undefined) return new RingmasterError('HOST_REFUSED', { host: foreign });
  if (SAFE.includes(method)) return null;
  const { origin, 'sec-fetch-site': site } = headers;
  if (origin !== undefined && !isOwnOrigin(origin, addressed, allowedHosts))
    return new RingmasterError('ORIGIN_REFUSED', { origin });
  if (typeof site === 'string' && site !== 'same-origin' && site !== 'none')
    return new RingmasterError('ORIGIN_REFUSED', { origin: site });
  return null;
}

function authorityOf(target: string): string[] {
  const [, authority] = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(target) ?? [];
  return authority === undefined ? [] : [authority];
}

/** Whether a Host header names this server: by an address, which no name server can make to point here, or a name of its own. */
function isOwnHost(host: string, names: readonly string[]): boolean {
  const [, bracketed, plain = ''] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(host) ?? [];
  if (bracketed !== undefined) return isIP(bracketed) === 6;
  const name = plain.toLowerCase().replace(/\.$/, '');
  if (isIP(name) === 4 || name === 'localhost') return true;
  return names.some((own) => own.toLowerCase() === name);
}

/** Whether a page of this origin was served by this server, directly or by a proxy under one of its names. */
function isOwnOrigin(
  origin: string,
  addressed: readonly string[],
  names: readonly string[],
): boolean {
  if (!URL.canParse(origin)) return false;
  const { host, hostname, protocol } = new URL(origin);
  if (!/^https?:$/.test(protocol)) return false;
  const here = addressed.map((own) => `${protocol}//${own}`);
  return (
    here.some((own) => URL.canParse(own) && new URL(own).host === host) ||
    names.some((own) => own.toLowerCase() === hostname)
  );
}

/** The token of an Authorization header (RFC 6750); null where it has none. */
export function bearerOf(authorization = ''): string | null {
  return /^bearer +(\S+)$/i.exec(authorization.trim())?.[1] ?? null;
}
