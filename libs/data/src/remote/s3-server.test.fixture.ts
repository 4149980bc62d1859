import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { possible } from '@ringmaster/base/testing';
import { eventually } from '@ringmaster/testing';

const caches = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
const cache = process.env['RINGMASTER_CACHE'] ?? join(caches, 'ringmaster');
const program = join(cache, 'tools/seaweedfs-4.48/bin/weed');

/** Whether there is a server of S3 on this machine; where there has to be one, its absence is a failure. */
export function hasS3Server(): boolean {
  return possible(existsSync(program), 'needs SeaweedFS: libs/data/tools/seaweedfs.sh');
}

export const identity = { accessKey: 'ringmaster', secretKey: 'a-secret-of-the-tests' };

/** A server of S3, SeaweedFS, on loopback. */
export class S3Server {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  /** @param directory For all that it writes. */
  static async start(directory: string): Promise<S3Server> {
    const config = join(directory, 's3.json');
    const credentials = [identity];
    const identities = [
      { name: 'tests', credentials, actions: ['Admin', 'Read', 'Write', 'List'] },
    ];
    writeFileSync(config, JSON.stringify({ identities }));
    const names = ['master', 'volume', 'filer', 's3'];
    const ports = await freePorts(2 * names.length);
    const options = names.flatMap((name, at) => [
      `-${name}.port=${ports[2 * at]}`,
      `-${name}.port.grpc=${ports[2 * at + 1]}`,
    ]);
    const own = ['server', '-ip=127.0.0.1', `-dir=${directory}`, '-s3', `-s3.config=${config}`];
    const child = spawn(program, [...own, '-volume.max=8', ...options], { stdio: 'ignore' });
    const url = `http://127.0.0.1:${ports[6]}`;
    await eventually('a server of S3', async () => (await isReady(url)) || null, 60_000);
    return new S3Server(child, url);
  }

  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await ended;
  }
}

const isReady = (url: string): Promise<boolean> =>
  fetch(`${url}/healthz`).then(
    ({ ok }) => ok,
    () => false,
  );

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(
    servers.map((server) => new Promise((resolve) => server.once('listening', resolve))),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
