import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cluster, RING_PORTS } from './cluster.js';
import { examples, finetuning, pretraining, texts } from './jobs.js';
import { canMakeHosts, Network } from './network.js';
import { streamsOf, type Stream } from './recording.js';

const STEPS = 20;
const HOSTS = ['one', 'two', 'three'];
const WORKERS_OF_A_HOST = 2;
const WORKERS = HOSTS.length * WORKERS_OF_A_HOST;

const isRing = ({ from, to }: Stream) =>
  [from, to].some((port) => port >= RING_PORTS.first && port <= RING_PORTS.last);

describe.skipIf(!canMakeHosts())(
  'a cluster of a coordinator and three hosts that have joined with two workers each',
  () => {
    let network: Network;
    let cluster: Cluster;
    let capture: string;

    beforeAll(async () => {
      network = await Network.create(['seat', ...HOSTS]);
      const seat = network.host('seat');
      writeFileSync(join(seat.outside, 'texts.txt'), texts().join('\n'));
      writeFileSync(join(seat.outside, 'examples.jsonl'), examples());
      cluster = await Cluster.start(seat);
      capture = join(seat.outside, 'bridge.pcap');
      await network.record(capture);
      for (const name of HOSTS) cluster.join(network.host(name), WORKERS_OF_A_HOST);
      await cluster.workers(WORKERS);
    });

    afterAll(async () => {
      await network.remove();
    });

    it('trains to the bytes of one worker, and fine-tunes to them', async () => {
      const { home } = network.host('seat');
      const train = async (workers: number) => {
        const pretrained = await cluster.submit(pretraining({ home, workers, steps: STEPS }));
        const tuned = await cluster.submit(finetuning({ home, workers, base: pretrained }));
        const results = [await cluster.result(pretrained), await cluster.result(tuned)];
        return results.map(({ result }) => result?.stateHash);
      };
      const together = await train(WORKERS);
      await network.recorded();
      expect(together).toEqual(await train(1));
    });

    it('has shown nothing of its tokens, gradients, states and data on the bridge', () => {
      const streams = streamsOf(capture);
      const bytes = Buffer.concat(streams.map((stream) => stream.bytes));
      const sent = (which: readonly Stream[]) =>
        which.reduce((total, stream) => total + stream.bytes.length, 0);
      // What each of 20 steps sums, and what three hosts fetched of data and bases.
      expect(sent(streams.filter(isRing))).toBeGreaterThan(STEPS * 50_000);
      expect(sent(streams.filter((stream) => !isRing(stream)))).toBeGreaterThan(100_000);
      const { outside } = network.host('seat');
      const tokens = ['token', 'keys/join.token'].map((name) =>
        readFileSync(join(outside, name), 'utf8').trim(),
      );
      const blobs = readdirSync(join(outside, 'artifacts'), { recursive: true, encoding: 'utf8' });
      const secrets = [...tokens, ...texts().slice(0, 50)].map((text) => Buffer.from(text));
      for (const path of blobs) {
        const file = join(outside, 'artifacts', path);
        let content: Buffer;
        try {
          content = readFileSync(file);
        } catch {
          continue; // A directory.
        }
        for (let at = 0; at + 32 <= content.length; at += Math.max(32, content.length >> 4)) {
          const piece = content.subarray(at, at + 32);
          if (new Set(piece).size > 12) secrets.push(Buffer.from(piece));
        }
      }
      expect(secrets.length).toBeGreaterThan(100);
      for (const secret of secrets) expect(bytes.includes(secret)).toBe(false);
      // Integers of gradients and states, texts and JSON compress; what is encrypted does not.
      const large = streams.filter((stream) => stream.bytes.length > 50_000);
      expect(large.some(isRing)).toBe(true);
      expect(large.every(isRing)).toBe(false);
      for (const stream of large)
        expect(gzipSync(stream.bytes).length / stream.bytes.length).toBeGreaterThan(0.97);
    });

    it('goes down and leaves no process', async () => {
      await cluster.down();
      for (const host of network.hosts) expect(await host.leftovers(20_000)).toEqual([]);
    });
  },
);
