import { lookup } from 'node:dns';
import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { RingmasterError, type WebLocation } from '@ringmaster/protocol';
import { isWithin, type Roots } from '../readers/roots.js';
import { isPublicAddress } from './addresses.js';
import { Interrupted, type RemoteFile, type Stretch } from './download.js';
import { loginFor } from './netrc.js';

const MOST_REDIRECTS = 10;
/** Without a byte for so long a connection is given up. */
const SILENT_MS = 30_000;
const REDIRECTS = [301, 302, 303, 307, 308];
/** The server cannot answer now (RFC 9110). */
const FOR_NOW = [408, 425, 429, 500, 502, 503, 504];
/** What OpenSSL and Node call certificates that are not to be trusted, and talk that is no TLS. */
const UNTRUSTED =
  /^(CERT_|ERR_TLS_|ERR_SSL_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO|HOSTNAME_MISMATCH|EPROTO)/;

/**
 * A file of a web server. Its bytes are those that are sent, whatever the server says of how they are encoded. Where it is
 * redirected to another server, that must be one of the public internet, or under the roots, and not be less secure.
 */
export class WebFile implements RemoteFile {
  readonly #location: WebLocation;
  readonly #roots: Roots;
  /** What the server calls this version of it. */
  #version: string | null = null;

  constructor(location: WebLocation, roots: Roots) {
    this.#location = location;
    this.#roots = roots;
  }

  failed(reason: string): RingmasterError {
    return new RingmasterError('DATA_DOWNLOAD_FAILED', { location: this.#location.shown, reason });
  }

  async open(from: number): Promise<Stretch> {
    const first = new URL(this.#location.url);
    let url = first;
    for (let hop = 0; hop <= MOST_REDIRECTS; hop++) {
      const isKnown = url.origin === first.origin || this.#isNamed(url);
      const answer = await this.#ask(url, from, isKnown);
      const { statusCode: status = 0, statusMessage = '', headers } = answer;
      if (status === 200 || status === 206) return this.#stretch(answer, from);
      answer.destroy();
      if (REDIRECTS.includes(status) && headers.location !== undefined) {
        url = this.#target(headers.location, url);
        continue;
      }
      if (status === 416 && from > 0) {
        const isWhole = headers['content-range'] === `bytes */${from}`;
        return isWhole ? { start: from, total: from, bytes: nothing() } : this.open(0);
      }
      const said = `the server answers ${status} ${statusMessage}`.trim();
      throw FOR_NOW.includes(status) ? new Interrupted(said) : this.failed(said);
    }
    throw this.failed(`it is redirected more than ${MOST_REDIRECTS} times`);
  }

  /** Whether an operator has named where this is. */
  #isNamed(url: URL): boolean {
    return this.#roots !== null && isWithin(url.href, this.#roots);
  }

  #target(given: string, from: URL): URL {
    if (!URL.canParse(given, from.href)) throw this.failed('it is redirected to what is no URL');
    const url = new URL(given, from);
    const isSecure = url.protocol === 'https:';
    if (!isSecure && url.protocol !== 'http:')
      throw this.failed(`it is redirected to ${url.protocol.slice(0, -1)}`);
    if (!isSecure && from.protocol === 'https:')
      throw this.failed(`it is redirected from https to http, to ${url.host}`);
    return url;
  }

  #ask(url: URL, from: number, isKnown: boolean): Promise<IncomingMessage> {
    const host = url.hostname.replace(/^\[|\]$/g, '');
    if (!isKnown && isIP(host) !== 0 && !isPublicAddress(host))
      throw this.failed(notPublic(host, host));
    const isSecure = url.protocol === 'https:';
    const login = isSecure || !isPublicHost(host) ? loginFor(host) : null;
    const options = {
      agent: false as const,
      ...(isKnown ? {} : { lookup: publicLookup }),
      ...(login === null ? {} : { auth: `${login.user}:${login.password}` }),
      timeout: SILENT_MS,
      headers: {
        'user-agent': 'ringmaster',
        'accept-encoding': 'identity',
        ...(from === 0 ? {} : { range: `bytes=${from}-` }),
        ...(from === 0 || this.#version === null ? {} : { 'if-range': this.#version }),
      },
    };
    // Those of a target come from whoever redirects.
    const bare = new URL(url);
    bare.username = '';
    bare.password = '';
    return new Promise((resolve, reject) => {
      const sending = (isSecure ? requestHttps : requestHttp)(bare, options, resolve);
      sending.on('timeout', () =>
        sending.destroy(new Interrupted(`no byte came for ${SILENT_MS / 1000} s`)),
      );
      sending.on('error', (error) => {
        reject(this.#explained(error));
      });
      sending.end();
    });
  }

  #stretch(answer: IncomingMessage, from: number): Stretch {
    const { headers, statusCode } = answer;
    const version = headers.etag ?? null;
    this.#version = version?.startsWith('"') === true ? version : null;
    const bytes = this.#explaining(answer);
    if (statusCode === 206) {
      const [, start, total] =
        /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers['content-range'] ?? '') ?? [];
      if (start !== undefined && from > 0)
        return { start: Number(start), total: total === '*' ? null : Number(total), bytes };
      answer.destroy();
      throw this.failed('the server answers with a part that it does not name');
    }
    const length = headers['content-length'];
    return { start: 0, total: length === undefined ? null : Number(length), bytes };
  }

  async *#explaining(answer: IncomingMessage): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of answer as AsyncIterable<Buffer>) yield chunk;
    } catch (error) {
      throw this.#explained(error);
    }
  }

  /** What it says of a connection that failed: all but untrusted certificates may be otherwise soon. */
  #explained(error: unknown): Error {
    if (error instanceof RingmasterError || error instanceof Interrupted) return error;
    const { message, code = '' } = error as NodeJS.ErrnoException;
    if (error instanceof Refused) return this.failed(message);
    const said = message === '' ? code : message;
    return UNTRUSTED.test(code) ? this.failed(`${said} (${code})`) : new Interrupted(said);
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {
  // What is here already is all that there is.
}

/** Whether a host, as a URL has it, may be one of the public internet. */
const isPublicHost = (host: string): boolean =>
  host !== 'localhost' && (isIP(host) === 0 || isPublicAddress(host));

const notPublic = (host: string, address: string): string =>
  `it is redirected to ${host === address ? host : `${host} (${address})`}, which is not of the public internet`;

/** Looks a name up, and refuses one that has an address which is not of the public internet. */
const publicLookup: LookupFunction = (host, options, done) => {
  lookup(host, options, (error, address, family) => {
    if (error !== null) {
      done(error, address, family);
      return;
    }
    const all = typeof address === 'string' ? [address] : address.map((each) => each.address);
    const inner = all.find((each) => !isPublicAddress(each));
    if (inner === undefined) done(null, address, family);
    else done(new Refused(notPublic(host, inner)), '', 0);
  });
};

/** A server that may not be asked. */
class Refused extends Error {}
