// Serves a model over HTTP until it is asked to end. Started by `ringmaster serve`, which lives as long as stdin is open.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { basename, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { onEndingSignals, runProgram } from '@ringmaster/base';
import { listenOnFirst, resolveAddress } from '@ringmaster/base/server';
import { RingmasterError } from '@ringmaster/protocol';
import { z } from 'zod';
import { MODEL_OPTIONS, openModel } from '../opened-model.js';
import { TextModel } from '../text-model.js';
import { ModelServer } from './server.js';
import { judgeOfToken } from './token.js';

const { values } = parseArgs({
  options: {
    ...MODEL_OPTIONS,
    host: { type: 'string' },
    'allowed-host': { type: 'string', multiple: true },
    port: { type: 'string' },
    'token-file': { type: 'string' },
    queue: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const { host, port, queue } = z
  .object({ host: z.string(), port: z.coerce.number().int(), queue: z.coerce.number().int() })
  .parse(values);
const { 'token-file': tokenFile = null, 'allowed-host': allowedHosts = [] } = values;

await runProgram(async () => {
  const address = await resolveAddress(host);
  if (!address.loopback && tokenFile === null)
    throw new RingmasterError('SERVE_TOKEN_MISSING', { host });
  const tokens = await judgeOfToken(tokenFile);
  const opened = await openModel(values);
  const { 'model-directory': directory, model: id = null } = values;
  const name =
    directory === undefined ? (opened.manifest?.name ?? opened.name) : basename(resolve(directory));
  const server = new ModelServer(await TextModel.load(opened), {
    name,
    id,
    access: { tokens, loopback: address.loopback, host, allowedHosts },
    queue,
  });
  await listenOnFirst(host, [port], async (each) => {
    server.http.listen(each, address.ip);
    await once(server.http, 'listening');
  });
  const url = `http://${address.advertised}:${(server.http.address() as AddressInfo).port}/v1`;
  process.stdout.write(values.json ? `${JSON.stringify({ url, model: name })}\n` : `${url}\n`);
  await new Promise<void>((end) => {
    onEndingSignals(end, () => {
      server.http.closeAllConnections();
    });
    process.stdin.once('close', end).resume();
  });
  await server.drain();
  process.stdin.destroy();
});
