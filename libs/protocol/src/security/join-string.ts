import { createHash } from 'node:crypto';
import { RingmasterError } from '../errors/registry.js';

/** All that another machine needs to find a cluster, to know that it is that cluster, and to be let in. */
export interface Invitation {
  /** Base URL of the HTTP API. */
  readonly url: string;
  readonly token: string;
  /** Public key of the control plane's CURVE, Z85. */
  readonly serverKey: string;
  /** SHA-256 of the API's certificate, in lower-case hexadecimal; null where it is not pinned, or there is none. */
  readonly fingerprint: string | null;
}

/** Raised with the layout of what follows it. */
const PREFIX = 'rm1_';
const KEY_LENGTH = 40;
const PIN_BYTES = 32;
const CHECK_BYTES = 6;

/**
 * One string, without spaces or characters that a shell knows, that `parseJoinString` understands: the prefix with the
 * version, and in base64url its own length, key, fingerprint, token and address, and the beginning of a SHA-256 of these.
 */
export function joinString({ url, token, serverKey, fingerprint }: Invitation): string {
  const pin = fingerprint === null ? Buffer.alloc(PIN_BYTES) : Buffer.from(fingerprint, 'hex');
  const texts = Buffer.from(`${serverKey}${token}\n${url}`);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(length.length + pin.length + texts.length + CHECK_BYTES);
  const body = Buffer.concat([length, pin, texts]);
  return PREFIX + Buffer.concat([body, checkOf(body)]).toString('base64url');
}

/** Whether a text looks like a join string rather than an address. */
export function isJoinString(text: string): boolean {
  return /^\s*rm\d+_/.test(text);
}

/**
 * Reads a join string; white space in it, as of a line that was broken, is ignored.
 * @throws JOIN_STRING_INVALID telling what has become of it
 */
export function parseJoinString(given: string): Invitation {
  const text = given.replace(/\s/g, '');
  const [, version] = /^rm(\d+)_/.exec(text) ?? [];
  if (version === undefined) throw invalid('it does not begin with rm1_');
  if (!text.startsWith(PREFIX)) throw invalid(`it is of version ${version}, and this is version 1`);
  if (!/^[\w-]*$/.test(text)) throw invalid('it has characters that none has');
  const bytes = Buffer.from(text.slice(PREFIX.length), 'base64url');
  const length = bytes.length < 2 ? Infinity : bytes.readUInt16BE();
  if (bytes.length < length) throw invalid('its end is missing');
  const body = bytes.subarray(0, -CHECK_BYTES);
  const isWhole = bytes.length === length && bytes.subarray(-CHECK_BYTES).equals(checkOf(body));
  if (!isWhole) throw invalid('a character of it was changed or added');
  const pin = body.subarray(2, 2 + PIN_BYTES);
  const texts = body.subarray(2 + PIN_BYTES).toString();
  const [token = '', url = ''] = texts.slice(KEY_LENGTH).split('\n');
  return {
    url,
    token,
    serverKey: texts.slice(0, KEY_LENGTH),
    fingerprint: pin.every((byte) => byte === 0) ? null : pin.toString('hex'),
  };
}

function checkOf(body: Uint8Array): Buffer {
  return createHash('sha256').update(PREFIX).update(body).digest().subarray(0, CHECK_BYTES);
}

function invalid(reason: string): RingmasterError {
  return new RingmasterError('JOIN_STRING_INVALID', { reason });
}
