import { join } from 'node:path';
import { sha256, type ArtifactManifest, type KeptCheckpoint } from '@ringmaster/protocol';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { artifactsFrom, putManifest } from '../artifacts/artifacts.js';
import { BlobServer } from '../artifacts/blob-server.test.fixture.js';
import { Deliveries } from './deliveries.js';
import { KeptCheckpoints } from './kept-checkpoints.js';
import { Scene } from './scene.test.fixture.js';

let scene: Scene;
let server: BlobServer;
let kept: KeptCheckpoints;
beforeEach(async () => {
  scene = await Scene.open();
  server = new BlobServer(join(scene.cache, 'coordinator'));
  await server.open();
  scene.coordinator.artifacts = { ...scene.coordinator.artifacts, url: server.url };
  kept = new KeptCheckpoints(scene.cache, pino({ level: 'silent' }));
});
afterEach(async () => {
  await scene.close();
  await server.close().catch(() => undefined); // A test may have closed it already.
});

const hash = sha256('state');
const about: ArtifactManifest = {
  format: 1,
  kind: 'checkpoint',
  job: 'j',
  name: 'n',
  step: 1,
  evaluations: 0,
  metrics: {},
  stateHash: hash,
  specHash: hash,
  dataManifest: hash,
  baseManifest: null,
  task: 'masked-language-model',
  labels: null,
  files: {},
};

const checkpointOf = (manifest: string): KeptCheckpoint => ({
  job: 'j',
  specHash: hash,
  manifest,
  position: { step: 1, evaluations: 0, stateHash: hash },
});

/** Makes a checkpoint on a host that shares nothing with the coordinator. */
async function make(step = 1): Promise<KeptCheckpoint> {
  const { url } = server;
  const artifacts = artifactsFrom({
    kind: 'remote',
    url,
    token: null,
    fingerprint: null,
    cache: scene.cache,
  });
  const state = await artifacts.put([Buffer.alloc(1_000_000, 'a')]);
  const checkpoint = checkpointOf(
    await putManifest(artifacts, { ...about, step, files: { state } }),
  );
  kept.keep(checkpoint);
  return checkpoint;
}

/** The first registration that tells of checkpoints. */
const telling = () =>
  scene.coordinator.take('register', ({ checkpoints }) => checkpoints.length > 0);

describe('a kept checkpoint', () => {
  it('is told once the coordinator has its bytes', async () => {
    const checkpoint = await make();
    void scene.start();
    expect((await telling()).checkpoints).toEqual([checkpoint]);
    expect(server.received.at(-1)).toBe(checkpoint.manifest);
    await expect.poll(() => kept.list()).toEqual([]);
  });

  it('waits while its bytes cannot be brought', async () => {
    const checkpoint = await make();
    await server.close();
    void scene.start();
    expect((await scene.coordinator.take('register')).checkpoints).toEqual([]);
    await scene.coordinator.tell('worker-1', { type: 'heard', known: false });
    expect((await scene.coordinator.take('register')).checkpoints).toEqual([]);
    expect(kept.list()).toEqual([checkpoint]);
    await server.open();
    await scene.coordinator.tell('worker-1', { type: 'heard', known: false });
    expect((await telling()).checkpoints).toEqual([checkpoint]);
  });

  it('is forgotten when its bytes are nowhere, and keeps no other back', async () => {
    const checkpoint = await make();
    kept.keep(checkpointOf('0'.repeat(64)));
    void scene.start();
    expect((await telling()).checkpoints).toEqual([checkpoint]);
    await expect.poll(() => kept.list()).toEqual([]);
  });

  it('is not told for ever when another worker of this home has told it first', async () => {
    const first = await make();
    const location = { ...scene.coordinator.artifacts, token: null };
    const told: KeptCheckpoint[][] = [];
    const deliveries = new Deliveries({
      kept,
      cache: scene.cache,
      log: pino({ level: 'silent' }),
      register: () => {
        kept.forget(first.manifest);
        told.push(deliveries.list());
        deliveries.registered(location);
      },
    });
    deliveries.registered(location);
    await expect.poll(() => told).toEqual([[]]);
    const second = await make(2);
    deliveries.heard(second.manifest);
    await expect.poll(() => kept.list()).toEqual([]);
    expect(told).toEqual([[], [second]]);
  });
});
