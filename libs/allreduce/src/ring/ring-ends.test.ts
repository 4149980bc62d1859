import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';

/**
 * V8 marks a whole heap again and again once it holds more than 8 MiB and messages come and go beside it: that made the
 * ring over tcp 2.5 times slower. An empty thread holds 4 to 6 MiB, the ring's own code with ZeroMQ 2.5 to 3.
 */
test('the ring thread loads little more than ZeroMQ', async () => {
  const url = new URL('./ring-ends.thread.js', import.meta.url).href;
  const code = `
    const { getHeapStatistics, setFlagsFromString } = require('node:v8');
    const { parentPort } = require('node:worker_threads');
    setFlagsFromString('--expose-gc');
    const collect = require('node:vm').runInNewContext('gc');
    setFlagsFromString('--no-expose-gc');
    const used = () => (collect(), getHeapStatistics().used_heap_size);
    const before = used();
    import(${JSON.stringify(url)}).then(() => parentPort.postMessage(used() - before));`;
  const thread = new Worker(code, { eval: true });
  try {
    const [bytes] = (await once(thread, 'message')) as [number];
    expect(bytes).toBeLessThan(4 * 2 ** 20);
  } finally {
    await thread.terminate();
  }
});
