import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** An authority of one's own, as the command `openssl` makes them, in a directory of its own. */
export class Authority {
  /** File of its certificate in PEM, by which others know what it has signed. */
  readonly certificate: string;
  readonly #directory: string;
  #issued = 0;

  constructor(directory: string) {
    this.#directory = directory;
    this.certificate = join(directory, 'authority.pem');
    const days = ['-days', '2', '-subj', '/CN=authority'];
    this.#openssl('req', '-x509', ...KEY, ...this.#files('authority'), ...days);
  }

  /** Signs a certificate for a name; its files. */
  issue(name: string): { cert: string; key: string } {
    const file = `issued-${++this.#issued}`;
    const path = (suffix: string) => join(this.#directory, `${file}.${suffix}`);
    writeFileSync(path('names'), `subjectAltName=DNS:${name}\n`);
    this.#openssl(
      'req',
      ...KEY,
      '-keyout',
      path('key'),
      '-out',
      path('csr'),
      '-subj',
      `/CN=${name}`,
    );
    this.#openssl(
      'x509',
      '-req',
      '-in',
      path('csr'),
      '-out',
      path('pem'),
      '-days',
      '1',
      '-CAcreateserial',
      '-CA',
      this.certificate,
      '-CAkey',
      join(this.#directory, 'authority.key'),
      '-extfile',
      path('names'),
    );
    return { cert: path('pem'), key: path('key') };
  }

  #files(name: string): string[] {
    return ['-keyout', join(this.#directory, `${name}.key`), '-out', this.certificate];
  }

  #openssl(...args: readonly string[]): void {
    execFileSync('openssl', args, { stdio: 'pipe' });
  }
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
