import { RingmasterError } from '../errors/registry.js';

/** A file of a web server, which is known by its content. */
export interface WebLocation {
  readonly kind: 'web';
  /** Without the hash; what is behind its question mark may be a secret. */
  readonly url: string;
  readonly sha256: string;
  /** What it is called: the URL without what is behind its question mark. */
  readonly shown: string;
}

/** Objects in a bucket of S3-compatible storage. */
export interface BucketLocation {
  readonly kind: 'bucket';
  readonly bucket: string;
  /** A key; with `*` or `?` a pattern of keys; where it is empty or ends with a slash, how keys begin. */
  readonly key: string;
  /** Of the only object; null where it is not said. */
  readonly sha256: string | null;
  readonly shown: string;
}

/** Where data are that lie on another machine. */
export type Location = WebLocation | BucketLocation;

/** Whether an entry of `data.files` says where data are on another machine; any other is a path or a pattern. */
export const isLocation = (entry: string): boolean => /^[a-z][a-z0-9+.-]*:\/\//i.test(entry);

const HASH = /^#sha256=([0-9a-f]{64})$/;
/** Names of buckets (Amazon S3 user guide, "Bucket naming rules"); older ones have capitals and underscores. */
const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/;

/**
 * Reads `https://host/path#sha256=HEX` or `s3://bucket/key`.
 * @throws DATA_LOCATION_INVALID, which repeats nothing that may be a secret
 */
export function parseLocation(entry: string): Location {
  return /^s3:/i.test(entry) ? parseBucket(entry) : parseWeb(entry);
}

function parseWeb(entry: string): WebLocation {
  let url: URL;
  try {
    url = new URL(entry);
  } catch (cause) {
    throw invalid(entry.replace(/\/\/.*$/s, '//…'), 'it is no URL', cause);
  }
  const { hash, protocol, username, password } = url;
  const shown = `${protocol}//${url.host}${url.pathname}`;
  if (protocol !== 'https:' && protocol !== 'http:')
    throw invalid(shown, `${protocol.slice(0, -1)} is not read, but http, https and s3 are`);
  if (username !== '' || password !== '')
    throw invalid(
      shown,
      'it has a user or a password, which everybody who sees the job would read',
    );
  if (hash === '') throw invalid(shown, 'it has no SHA-256, and what it names may change');
  const [, sha256] = HASH.exec(hash) ?? [];
  if (sha256 === undefined)
    throw invalid(shown, "what is behind # is not 'sha256=' and 64 hex digits");
  url.hash = '';
  return { kind: 'web', url: url.href, sha256, shown };
}

function parseBucket(entry: string): BucketLocation {
  const [, bucket = '', key = '', hash] =
    /^s3:\/\/([^/#]*)\/?(.*?)(#sha256=.*)?$/is.exec(entry) ?? [];
  const shown = `s3://${bucket}/${key}`;
  if (!BUCKET.test(bucket)) throw invalid(shown, `'${bucket}' is no name of a bucket`);
  const [, sha256 = null] = HASH.exec(hash ?? '') ?? [];
  if (hash !== undefined && sha256 === null)
    throw invalid(shown, "what is behind # is not 'sha256=' and 64 hex digits");
  const location: BucketLocation = { kind: 'bucket', bucket, key, sha256, shown };
  if (sha256 !== null && namesSeveral(location))
    throw invalid(shown, 'a hash is that of one object, and several may begin so');
  return location;
}

/** Whether a location may have several objects. */
export function namesSeveral({ key }: BucketLocation): boolean {
  return key === '' || key.endsWith('/') || /[*?]/.test(key);
}

function invalid(location: string, reason: string, cause?: unknown): RingmasterError {
  return new RingmasterError('DATA_LOCATION_INVALID', { location, reason }, { cause });
}
