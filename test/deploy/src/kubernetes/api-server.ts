import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { eventually } from '@ringmaster/testing';
import type { Manifest } from './chart.js';

const TOKEN = 'test';
/** Longest that the server may take to start, on a busy machine too. */
const START_MS = 120_000;

export interface Answer {
  readonly status: number;
  readonly body: string;
  /** What it warns of, such as pods that the profile of their namespace does not allow. */
  readonly warnings: readonly string[];
}

/** A real API server of Kubernetes with an etcd of its own, on loopback. Nothing else of a cluster runs. */
export class ApiServer {
  readonly #port: number;
  readonly #processes: readonly ChildProcess[];
  readonly #ca: Buffer;

  private constructor(port: number, processes: readonly ChildProcess[], ca: Buffer) {
    this.#port = port;
    this.#processes = processes;
    this.#ca = ca;
  }

  /** @param program Path of kube-apiserver. @param directory For all that both write. */
  static async start(program: string, directory: string): Promise<ApiServer> {
    const [client, peer, port] = await freePorts(3);
    const etcd = spawn(
      'etcd',
      [
        `--data-dir=${join(directory, 'etcd')}`,
        `--listen-client-urls=http://127.0.0.1:${client}`,
        `--advertise-client-urls=http://127.0.0.1:${client}`,
        `--listen-peer-urls=http://127.0.0.1:${peer}`,
      ],
      { stdio: 'ignore' },
    );
    const key = join(directory, 'accounts.key');
    spawnSync('openssl', ['genrsa', '-out', key, '2048']);
    const tokens = join(directory, 'tokens.csv');
    writeFileSync(tokens, `${TOKEN},admin,admin,system:masters\n`);
    const certificates = join(directory, 'certificates');
    mkdirSync(certificates);
    const server = spawn(
      program,
      [
        `--etcd-servers=http://127.0.0.1:${client}`,
        '--service-account-issuer=https://kubernetes.default.svc',
        `--service-account-key-file=${key}`,
        `--service-account-signing-key-file=${key}`,
        `--secure-port=${port}`,
        '--bind-address=127.0.0.1',
        `--cert-dir=${certificates}`,
        `--token-auth-file=${tokens}`,
        '--authorization-mode=RBAC',
        '--service-cluster-ip-range=10.0.0.0/24',
      ],
      { stdio: 'ignore' },
    );
    const certificate = () => readFileSync(join(certificates, 'apiserver.crt'));
    try {
      return await eventually(
        'the API server is ready',
        async () => {
          if (server.exitCode !== null) throw new Error(`it ended with ${server.exitCode}`);
          try {
            const starting = new ApiServer(port!, [server, etcd], certificate());
            return (await starting.ask('GET', '/readyz')).status === 200 && starting;
          } catch {
            return null; // It does not listen yet.
          }
        },
        START_MS,
      );
    } catch (error) {
      for (const child of [server, etcd]) child.kill('SIGKILL');
      throw error;
    }
  }

  /** One request; a body is sent as YAML, of which JSON is a part, to be applied by the server. */
  async ask(method: string, path: string, body?: unknown): Promise<Answer> {
    const sent = request({
      host: '127.0.0.1',
      port: this.#port,
      method,
      path,
      ca: this.#ca,
      checkServerIdentity: () => undefined,
      headers: {
        authorization: `Bearer ${TOKEN}`,
        'content-type': method === 'PATCH' ? 'application/apply-patch+yaml' : 'application/yaml',
      },
    });
    sent.end(body === undefined ? undefined : JSON.stringify(body));
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) text += String(chunk);
    const { warning } = response.headers;
    return {
      status: response.statusCode ?? 0,
      body: text,
      warnings: warning === undefined ? [] : [warning],
    };
  }

  /** Applies a manifest to a namespace as a dry run, which goes through everything but the store. */
  dryRun(namespace: string, manifest: Manifest): Promise<Answer> {
    const path = pathOf(namespace, manifest);
    return this.ask(
      'PATCH',
      `${path}?dryRun=All&fieldManager=test&force=true&fieldValidation=Strict`,
      manifest,
    );
  }

  async close(): Promise<void> {
    for (const child of this.#processes) {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    }
  }
}

/** Path of a manifest's resource. Plurals of the kinds that the chart has. */
function pathOf(namespace: string, { apiVersion, kind, metadata }: Manifest): string {
  const root = apiVersion.includes('/') ? `apis/${apiVersion}` : `api/${apiVersion}`;
  const name = kind.toLowerCase();
  const plural = name.endsWith('y') ? `${name.slice(0, -1)}ies` : `${name}s`;
  return `/${root}/namespaces/${namespace}/${plural}/${metadata.name}`;
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}
