import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { pipeline, type Duplex, type Readable } from 'node:stream';
import { RingmasterError } from '@ringmaster/protocol/errors';
import { systemCode } from './file-errors.js';

export interface Sent {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Readable | null;
  /** Ends the exchange, and what is read of its answer. */
  readonly signal: AbortSignal | null;
  /** How long an answer may take to begin; null for as long as the upload lasts. */
  readonly answerMs: number | null;
  /** SHA-256 (hex) of the certificate that must be there; null for any that an authority of this machine vouches for. */
  readonly fingerprint: string | null;
}

/**
 * Sends a request, and returns its answer as soon as that begins. Not `fetch`, which takes longer to load than most verbs
 * to run, refuses ports, and cannot be told which certificate to expect.
 * @throws CERTIFICATE_REFUSED before anything was sent; what the socket says, and AbortError
 */
export async function exchange(
  url: URL,
  { method, headers, body, signal, answerMs, fingerprint }: Sent,
): Promise<IncomingMessage> {
  const isSecure = url.protocol === 'https:';
  if (!isSecure && fingerprint !== null) {
    const reason = 'there is none, for the address is one of http';
    throw new RingmasterError('CERTIFICATE_REFUSED', { url: url.origin, reason });
  }
  const { request } = await (isSecure ? import('node:https') : import('node:http'));
  const connection =
    fingerprint === null
      ? { agent: false as const }
      : { createConnection: await pinnedConnection(url, fingerprint) };
  return new Promise((resolve, reject) => {
    const abort = signal === null ? {} : { signal };
    const sending = request(url, { method, headers, ...connection, ...abort }, (answer) => {
      clearTimeout(timer);
      resolve(answer);
    });
    const timer = setTimeout(() => {
      sending.destroy(new Error(`no answer after ${(answerMs ?? 0) / 1000} s`));
    }, answerMs ?? 0);
    if (answerMs === null) clearTimeout(timer);
    sending.on('error', (error) => {
      clearTimeout(timer);
      reject(explained(error, url));
    });
    if (body === null || typeof body === 'string') sending.end(body ?? undefined);
    // Who refuses an upload may answer before its end.
    else {
      pipeline(body, sending, (error) => {
        if (error) reject(explained(error, url));
      });
    }
  });
}

type Connected = (error: Error | null, socket: Duplex) => void;

/** Makes connections that are used once the certificate at their other end is the expected one, whoever issued it. */
async function pinnedConnection({ hostname, port, origin }: URL, fingerprint: string) {
  const { connect } = await import('node:tls');
  const host = hostname.replace(/^\[|\]$/g, '');
  return (_: unknown, connected: Connected): undefined => {
    const name = isIP(host) === 0 ? { servername: host } : {};
    const socket = connect({
      host,
      port: Number(port === '' ? 443 : port),
      ...name,
      // Judged below: no authority issued it, and its names say nothing that the fingerprint does not.
      rejectUnauthorized: false,
    });
    socket.once('error', (error: Error) => {
      connected(error, socket);
    });
    socket.once('secureConnect', () => {
      const found = socket.getPeerCertificate().fingerprint256.replaceAll(':', '').toLowerCase();
      if (found === fingerprint) {
        connected(null, socket);
        return;
      }
      const reason = `its SHA-256 is ${found}, not ${fingerprint}`;
      socket.destroy(new RingmasterError('CERTIFICATE_REFUSED', { url: origin, reason }));
    });
  };
}

/** What OpenSSL says of a certificate that nobody vouches for, as one of our errors; any other as it is. */
function explained(error: Error, { origin }: URL): Error {
  const code = systemCode(error) ?? '';
  const isOfCertificate = /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_CERT_)/.test(code);
  if (!isOfCertificate) return error;
  const remedy =
    'Give its SHA-256 with --fingerprint, as the join string has it, or let NODE_EXTRA_CA_CERTS name its authority.';
  const detail = { url: origin, reason: error.message };
  return new RingmasterError('CERTIFICATE_REFUSED', detail, { cause: error, remedy });
}

/** The value of an answer in JSON; null of one that is something else, or is cut short. */
export async function jsonOf(answer: IncomingMessage): Promise<unknown> {
  try {
    let text = '';
    for await (const chunk of answer.setEncoding('utf8')) text += String(chunk);
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
