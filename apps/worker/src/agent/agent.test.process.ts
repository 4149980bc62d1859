// A worker whose trainers are trainer.test.process.js: node agent.test.process.js ENDPOINT
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { runAgent } from './agent.js';

const [, , endpoint] = process.argv;
if (endpoint === undefined) throw new Error('ENDPOINT is missing');
await runAgent({
  name: 'victim',
  version: '0.1.0',
  endpoint: () => endpoint,
  token: null,
  keys: null,
  processor: 'x64',
  memory: null,
  devices: [{ kind: 'cpu' }],
  threads: 1,
  address: null,
  ringPorts: null,
  orphanTimeoutMs: 30_000,
  coordinatorExists: () => false,
  cache: '/nonexistent',
  cacheLimit: null,
  program: fileURLToPath(new URL('./trainer.test.process.js', import.meta.url)),
  taskProgram: '/nonexistent',
  log: pino({ level: 'silent' }),
  onRegistered: () => undefined,
  leaving: new AbortController().signal,
  leaveTimeoutMs: 30_000,
  signal: new AbortController().signal,
});
