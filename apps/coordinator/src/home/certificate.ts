import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { makeHomeDirectory, writeDurably, type Home } from '@ringmaster/base';
import { RingmasterError } from '@ringmaster/protocol';

/** The certificate of the API with its key, in PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
  /** SHA-256 of the certificate, by which clients know it; null where an authority vouches for it, who may issue the next one too. */
  readonly fingerprint: string | null;
}

export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** A certificate is known by its fingerprint: what its dates say has no meaning, so they are far apart. */
const YEARS = 10;
const DAY_MS = 24 * 60 * 60_000;
/** A name that every certificate of ours has, for clients that must be told one, such as Prometheus. */
const COMMON_NAME = 'ringmaster';

/**
 * The certificate that the API speaks TLS with.
 * @param given Files of the user; null takes the one in `tls/` of the home, which is made where there is none.
 * @param host Name or address under which clients reach the API.
 * @throws CERTIFICATE_UNUSABLE
 */
export async function apiCertificate(
  home: Home,
  given: CertificateFiles | null,
  host: string,
): Promise<Certificate> {
  if (given !== null) return checked(given, host);
  const own = { cert: join(home.tls, 'cert.pem'), key: join(home.tls, 'key.pem') };
  if (!existsSync(own.cert) || !existsSync(own.key)) {
    makeHomeDirectory(home.tls, 0o700);
    const { cert, key } = await selfSigned(host);
    writeDurably(own.key, key, 0o600);
    writeDurably(own.cert, cert, 0o600);
  }
  return checked(own, host);
}

function checked(files: CertificateFiles, host: string): Certificate {
  const unusable = (reason: string, cause?: unknown) =>
    new RingmasterError('CERTIFICATE_UNUSABLE', { path: files.cert, reason }, { cause });
  let certificate: X509Certificate;
  let cert: string;
  let key: string;
  try {
    cert = readFileSync(files.cert, 'utf8');
    key = readFileSync(files.key, 'utf8');
    certificate = new X509Certificate(cert);
    createSecureContext({ cert, key });
  } catch (error) {
    throw unusable(error instanceof Error ? error.message : String(error), error);
  }
  const fingerprint = certificate.fingerprint256.replaceAll(':', '').toLowerCase();
  // Nobody but itself vouches for it: then it is known by its fingerprint.
  if (certificate.checkIssued(certificate)) return { cert, key, fingerprint };
  const names = isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host);
  if (names === undefined)
    throw unusable(`it is not for ${host}, under which this API is reached (see --advertise)`);
  return { cert, key, fingerprint: null };
}

/** Makes a key (ECDSA, P-256) and its certificate. Node can do the first only. */
async function selfSigned(host: string): Promise<{ cert: string; key: string }> {
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const now = Date.now();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${COMMON_NAME}`,
    notBefore: new Date(now - DAY_MS),
    notAfter: new Date(now + YEARS * 365 * DAY_MS),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.SubjectAlternativeNameExtension([
        { type: 'dns', value: COMMON_NAME },
        { type: isIP(host) === 0 ? 'dns' : 'ip', value: host },
      ]),
    ],
  });
  const key = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey));
  return {
    cert: `${certificate.toString('pem')}\n`,
    key: x509.PemConverter.encode(key, 'PRIVATE KEY'),
  };
}
