import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import fastify from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { requestText } from '../fixtures/socket.test.fixture.js';
import { EventStream, type EventStreamOptions } from './event-stream.js';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A stream over a real connection, at its beginning, and the socket of its client. */
async function streamTo(options: EventStreamOptions): Promise<[EventStream, Socket]> {
  const server = fastify({ forceCloseConnections: true });
  const streams: EventStream[] = [];
  server.get('/', (_, reply) => {
    const stream = new EventStream('test', options);
    streams.push(stream);
    return reply.type('text/event-stream').send(stream.body);
  });
  await server.listen({ host: '127.0.0.1', port: 0 });
  const socket = connect((server.server.address() as AddressInfo).port, '127.0.0.1');
  closing.push(async () => {
    socket.destroy();
    await server.close();
  });
  socket.setEncoding('utf8').write(requestText('GET', '/'));
  await once(socket, 'readable');
  const [stream] = streams;
  if (stream === undefined) throw new Error('the request has not arrived');
  return [stream, socket];
}

describe('a stream of events', () => {
  it('says that it is alive while nothing happens', async () => {
    const [, socket] = await streamTo({ heartbeatMs: 5 });
    let text = '';
    for await (const chunk of socket) {
      text += String(chunk);
      if (text.split(': still here\n\n').length > 3) break;
    }
    expect(text).toContain('retry: 1000\n: test\n\n');
    expect(text).not.toContain('data:');
  });

  it('lets a client go that does not read, and keeps one that does', async () => {
    const most = { heartbeatMs: 60_000, mostWaitingBytes: 100_000 };
    const [slow, unread] = await streamTo(most);
    const [quick, read] = await streamTo(most);
    read.resume();
    const data = 'x'.repeat(50_000);
    const closed = new Promise<void>((resolve) => {
      slow.onClose(resolve);
    });
    // More than the buffers of both ends of a connection hold.
    for (let id = 1; slow.isOpen && id < 10_000; id++) {
      for (const stream of [slow, quick]) stream.send(String(id), 'step', data);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await closed;
    expect([slow.isOpen, quick.isOpen]).toEqual([false, true]);
    const gone = once(unread, 'close');
    unread.resume();
    await gone;
  });

  it('forgets a client that has gone', async () => {
    const [stream, socket] = await streamTo({ heartbeatMs: 5 });
    const closed = new Promise<void>((resolve) => {
      stream.onClose(resolve);
    });
    socket.destroy();
    await closed;
    expect(stream.isOpen).toBe(false);
  });
});
