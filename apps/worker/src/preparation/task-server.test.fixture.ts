import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import {
  Allowance,
  keepPart,
  lendTask,
  receiveFile,
  type ForeignAnswer,
  type Lease,
  type Leases,
  type LentTask,
  type Task,
  type TaskPlace,
} from '@ringmaster/data';
import type { LeaseLocation } from './lease-client.js';

const TOKEN = 'a token';

interface Lent {
  readonly task: LentTask;
  readonly answered: (path: string | null) => void;
}

/** Has tasks done elsewhere: it serves them over TLS, as a coordinator does. */
export class TaskServer implements Leases {
  readonly ahead = 4;
  /** Directory of the preparation. */
  directory = '';
  /** Leases that were answered. */
  answers = 0;
  /** Tasks that are done here. */
  here = 0;
  readonly location: LeaseLocation;
  readonly #server: Server;
  readonly #begin: (lease: string, location: LeaseLocation) => void;
  readonly #lent = new Map<string, Lent>();

  private constructor(
    server: Server,
    location: LeaseLocation,
    begin: (lease: string, location: LeaseLocation) => void,
  ) {
    this.#server = server;
    this.location = location;
    this.#begin = begin;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.#answer(request).then(
        (body) => response.end(body),
        () => response.writeHead(410).end(JSON.stringify({ message: 'it was withdrawn' })),
      );
    });
  }

  static async open(
    directory: string,
    begin: (lease: string, location: LeaseLocation) => void,
  ): Promise<TaskServer> {
    const path = (suffix: string) => join(directory, `server.${suffix}`);
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const files = ['-keyout', path('key'), '-out', path('pem')];
    execFileSync('openssl', ['req', '-x509', ...key, ...files, '-subj', '/CN=test'], {
      stdio: 'ignore',
    });
    const cert = readFileSync(path('pem'));
    const server = createServer({ cert, key: readFileSync(path('key')) });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const fingerprint = new X509Certificate(cert).fingerprint256.replaceAll(':', '').toLowerCase();
    const location = { url: `https://127.0.0.1:${port}`, token: TOKEN, fingerprint };
    return new TaskServer(server, location, begin);
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async take(task: Task, place: TaskPlace): Promise<Lease | ForeignAnswer> {
    const lent = place === 'here' ? null : await lendTask(task);
    const path =
      lent === null
        ? null
        : await new Promise<string | null>((answered) => {
            this.#lent.set(task.key, { task: lent, answered });
            this.#begin(task.key, this.location);
          });
    if (path === null) {
      this.here++;
      return { giveBack: () => undefined };
    }
    return {
      worker: 'w-1',
      path,
      accept: () => this.answers++,
      refuse: (reason) => {
        throw new Error(reason);
      },
      distrust: () => {
        throw new Error('it is wrong');
      },
    };
  }

  /** Nobody else does the task of this lease. */
  withdraw(lease: string): void {
    this.#lent.get(lease)?.answered(null);
    this.#lent.delete(lease);
  }

  async #answer(request: IncomingMessage): Promise<Uint8Array> {
    const { url = '', method, headers } = request;
    if (headers.authorization !== `Bearer ${TOKEN}`) throw new Error('it has no token');
    const [, , , lease = '', what = '', hash = ''] = url.split('/');
    const lent = this.#lent.get(lease);
    if (lent === undefined) throw new Error('there is no such lease');
    if (what === '') return lent.task.packed;
    if (method === 'GET') {
      const input = lent.task.inputs.find(({ sha256 }) => sha256 === hash);
      if (input === undefined) throw new Error('it is not lent');
      return readFileSync(input.path).subarray(input.start, input.end);
    }
    const path =
      (await receiveFile(
        this.directory,
        request,
        what === 'parts' ? hash : null,
        new Allowance(0),
      )) ?? '';
    if (what === 'parts') await keepPart(this.directory, hash, path);
    else {
      this.#lent.delete(lease);
      lent.answered(path);
    }
    return new Uint8Array();
  }
}
