import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { operations } from '@ringmaster/coordinator/dist/api/routes.js';
import { encodeMessage } from '@ringmaster/protocol';
import { Dealer } from 'zeromq';
import { damaged } from '../bytes.js';
import type { Draws } from '../draws.js';
import { Scratch } from '../scratch.js';
import { LONGEST_MS, MOST_BYTES, type Target } from '../target.js';
import { alteredOften } from '../values.js';
import { frames } from './frames.js';

const program = fileURLToPath(
  new URL('../../../../apps/coordinator/dist/main.js', import.meta.url),
);

const submission = {
  kind: 'pretrain',
  name: 'x',
  seed: 1,
  steps: 1,
  model: { architecture: 'bert', layers: 1, hidden: 16, heads: 2, context: 16 },
  tokenizer: { algorithm: 'wordpiece', vocabulary: 300 },
  data: { files: '/nowhere/at-all.txt', format: 'lines' },
  objective: 'masked-language-model',
  batch: { sequences: 4, microbatches: 2 },
  optimizer: { learningRate: 1e-3 },
};
const words = [
  '%00',
  '%zz',
  '%2e%2e/',
  '..',
  '//',
  '?',
  '?a=1&a=2',
  '&limit=-1',
  '%ff',
  '#',
  ' ',
  '\r\n',
  ':',
  'Content-Length: 5\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Expect: 100-continue\r\n',
  'Range: bytes=0-1,3-',
  'Host: \r\n',
  'HTTP/9.9',
  '\u0000',
].map((word) => Buffer.from(word));

/** A request of some route, with a body that has something in it that is not meant to be. */
function request(draws: Draws): Buffer {
  // The cluster stays up.
  const names = Object.keys(operations).filter((name) => !name.includes('shutdown'));
  const [method = 'GET', route = '/'] = (names[draws.below(names.length)] ?? '').split(' ');
  const target = route.replace(/:\w+/g, () => draws.of(['x', 'a'.repeat(64), 'j-1', '%2f', '..']));
  const query = draws.of([
    '',
    '',
    '?limit=1',
    '?after=x&limit=0',
    '?step=1e9',
    '?from=-1',
    '?since=2026',
  ]);
  const body = method === 'GET' ? '' : JSON.stringify({ spec: alteredOften(submission, draws) });
  const type = draws.of([
    'application/json',
    'application/json',
    'text/plain',
    'application/octet-stream',
  ]);
  const lines = [`${method} ${target}${query} HTTP/1.1`, 'Host: 127.0.0.1', 'Connection: close'];
  if (body !== '')
    lines.push(`Content-Type: ${type}`, `Content-Length: ${Buffer.byteLength(body)}`);
  const valid = Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`);
  return draws.oneIn(2) ? valid : damaged([valid], words, draws);
}

/** Sends bytes over a connection of its own and returns what is answered before it ends, or is silent for a while. */
function exchange(port: number, input: Buffer): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => {
      socket.end(input);
    });
    const finish = () => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(10 * LONGEST_MS, finish);
    socket.setEncoding('latin1').on('data', (text: string) => {
      answer = (answer + text).slice(0, 20_000);
      // A stream of events does not end.
      if (answer.includes('text/event-stream')) finish();
    });
    socket.on('close', finish).on('error', finish);
  });
}

/** A coordinator in a process of its own, and what has to hold of it whatever it is sent. */
class Coordinator {
  readonly #scratch = new Scratch();
  readonly #child;
  #log = '';

  constructor() {
    this.#child = spawn(process.execPath, [program, '--home', this.#scratch.directory], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (this.#log += text));
  }

  async ready(): Promise<{ url: string; control: string }> {
    for (;;) {
      try {
        const file = readFileSync(`${this.#scratch.directory}/coordinator.json`, 'utf8');
        return JSON.parse(file) as { url: string; control: string };
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 50));
        if (this.#child.exitCode !== null) throw new Error(`the coordinator ended: ${this.#log}`);
      }
    }
  }

  /** @throws Error that tells what does not hold any more */
  check(): void {
    const { exitCode, signalCode, pid } = this.#child;
    if (exitCode !== null || signalCode !== null)
      throw new Error(`the coordinator ended: ${this.#log.slice(-3000)}`);
    const defect = this.#log
      .split('\n')
      .find((line) => /"type":"(?!RingmasterError)\w*Error"|INTERNAL/.test(line));
    this.#log = '';
    if (defect !== undefined) throw new Error(defect);
    const resident = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid ?? 0}/status`, 'utf8'))?.[1];
    if (Number(resident) * 1024 > MOST_BYTES)
      throw new Error(`the coordinator takes ${resident ?? ''} KiB`);
  }

  /** @throws Error when something half-written is left */
  close(): void {
    const incoming = join(this.#scratch.directory, 'artifacts/incoming');
    const left = existsSync(incoming) ? readdirSync(incoming) : [];
    this.#child.kill('SIGKILL');
    this.#scratch.close();
    if (left.length > 0) throw new Error(`half-written blobs are left: ${left.join(', ')}`);
  }
}

/** A real coordinator by its sockets: HTTP, and the control plane. */
export async function servers(): Promise<readonly Target[]> {
  const coordinator = new Coordinator();
  const { url, control } = await coordinator.ready();
  const port = Number(new URL(url).port);
  const dealer = new Dealer({ linger: 0, sendTimeout: 10 * LONGEST_MS });
  dealer.connect(control);
  const [toCoordinator] = frames();
  const http: Target = {
    name: 'server: HTTP',
    input: request,
    take: async (input) => {
      const answer = await exchange(port, input);
      if (/^HTTP\/1\.1 500|INTERNAL/.test(answer)) throw new Error(answer);
      coordinator.check();
    },
    close: () => {
      dealer.close();
      coordinator.close();
    },
  };
  const plane: Target = {
    name: 'server: control plane',
    input: (draws) =>
      draws.oneIn(50)
        ? encodeMessage({ type: 'heartbeat' })
        : (toCoordinator?.input(draws) ?? Buffer.alloc(0)),
    take: async (input) => {
      await dealer.send(input);
      coordinator.check();
    },
  };
  return [plane, http];
}
