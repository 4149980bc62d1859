import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { eventually } from '@ringmaster/testing';
import { expect, it, onTestFinished } from 'vitest';
import { Recipient } from './recipient.js';

const GET = (path: string) => `GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`;

interface Exchange {
  readonly response: ServerResponse;
  readonly recipient: Recipient;
}

/** A connection on which two requests have arrived in one write, and what answers them. */
async function pipelined() {
  const exchanges = new Map<string, Exchange>();
  const server = createServer((request: IncomingMessage, response) => {
    exchanges.set(request.url ?? '', { response, recipient: new Recipient(request, response) });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  onTestFinished(() => {
    client.destroy();
    server.closeAllConnections();
    server.close();
  });
  client.write(GET('/first') + GET('/second'));
  await eventually('both requests', () => exchanges.size === 2);
  return { client, first: exchanges.get('/first')!, second: exchanges.get('/second')! };
}

it('has left when its connection ends, behind another answer too', async () => {
  const { client, first, second } = await pipelined();
  second.response.end('second');
  const received = second.recipient.received(60_000);
  client.destroy();
  await received;
  await first.recipient.received(60_000);
  expect([first, second].map(({ recipient }) => recipient.over.aborted)).toEqual([true, true]);
});

it('has time to read an answer from when it has those before it', async () => {
  const { client, first, second } = await pipelined();
  let read = '';
  client.setEncoding('utf8').on('data', (text: string) => {
    read += text;
  });
  second.response.end('second');
  const received = second.recipient.received(200);
  await wait(600);
  expect(second.recipient.over.aborted).toBe(false);
  first.response.end('first');
  await Promise.all([first.recipient.received(200), received]);
  await eventually('the second answer', () => read.endsWith('second'));
  expect(client.closed).toBe(false);
});

it('is cut off when it does not read for long', async () => {
  const { client, first, second } = await pipelined();
  client.pause();
  first.response.end(Buffer.alloc(64 * 1024 * 1024));
  second.response.end('second');
  await Promise.all([first.recipient.received(100), second.recipient.received(60_000)]);
  client.resume();
  await once(client, 'close');
});

it('is not listened to any more once it is released', async () => {
  const { first } = await pipelined();
  const { socket } = first.response;
  const listeners = socket?.listenerCount('close') ?? 0;
  first.recipient.release();
  expect(socket?.listenerCount('close')).toBe(listeners - 1);
});
