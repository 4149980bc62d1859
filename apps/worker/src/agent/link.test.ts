import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Scene } from './scene.test.fixture.js';

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.open();
});
afterEach(() => scene.close());

/** A wire to the coordinator that can be cut: whatever is on it then is lost. */
async function wire(port: number) {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined); // Cut while it was written to.
      socket.on('close', () => {
        near.destroy();
        far.destroy();
        sockets.delete(socket);
      });
    }
    near.pipe(far);
    far.pipe(near);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
    close: () => server.close(),
  };
}

it('nothing that a trainer says is lost on connections that break, and the order stays', async () => {
  const port = Number(scene.coordinator.endpoint.split(':').at(-1));
  const { endpoint, cut, close } = await wire(port);
  await scene.startWithTrainer('chatty', { endpoint: () => endpoint });
  for (let round = 0; round < 12; round++) {
    await sleep(50 + 37 * round);
    cut();
    await scene.coordinator.take('register');
  }
  await scene.coordinator.tell('worker-1', { type: 'end-trainer', trainer: 'chatty-1' });
  await scene.coordinator.take('trainer-exited');
  const steps = scene.coordinator.heard.flatMap((message) =>
    message.type === 'trainer-message' && message.message.type === 'retired'
      ? [message.message.step]
      : [],
  );
  const firsts = [...new Set(steps)];
  expect(firsts.length).toBeGreaterThan(100);
  expect(firsts).toEqual(firsts.map((_, at) => at));
  close();
});
