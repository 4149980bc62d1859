import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { temporaryDirectory } from '@ringmaster/testing';
import { BlobStore } from '@ringmaster/data';
import { sha256, type TrainerMessage } from '@ringmaster/protocol';
import { canMountSmallDisk, SmallDisk } from '@ringmaster/base/testing';
import fc from 'fast-check';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { readManifest } from '../../artifacts/artifacts.js';
import { BlobServer } from '../../artifacts/blob-server.test.fixture.js';
import { loadCheckpoint } from './load.js';
import { readStateFile } from './state-file.js';
import { TestSubject } from './subject.test.fixture.js';
import { CheckpointWriter } from './writer.js';

const root = temporaryDirectory();
const silent = pino({ level: 'silent' });
let directories = 0;

function freshSource() {
  const directory = join(root, String(directories++));
  return { kind: 'local', directory, cache: join(directory, 'cache') } as const;
}

/** A writer that collects what it sends. */
function writerOf(subject: TestSubject) {
  const sent: TrainerMessage[] = [];
  const writer = new CheckpointWriter(subject, (message) => sent.push(message), silent);
  return { writer, sent };
}

/** Saves the present state and returns its checkpoint. */
async function checkpointOf(subject: TestSubject) {
  const { writer, sent } = writerOf(subject);
  await writer.save(1);
  const [message] = sent;
  if (message?.type !== 'checkpointed') throw new Error(JSON.stringify(sent));
  return message;
}

describe('a checkpoint', () => {
  it('is the state as it was when it was begun, whatever became of it while it was written', async () => {
    const source = freshSource();
    const subject = new TestSubject(source, 1_000_000).goTo(3);
    const { stateHash } = subject;
    const { writer, sent } = writerOf(subject);
    writer.write(7);
    subject.goTo(4);
    writer.write(7);
    await writer.settled();
    const position = { step: 3, evaluations: 0, stateHash };
    expect(sent).toEqual([
      expect.objectContaining({ type: 'checkpointed', generation: 7, position }),
    ]);
    const [message] = sent;
    if (message?.type !== 'checkpointed') throw new Error('unreachable');
    const manifest = await readManifest(subject.loaded.artifacts, message.manifest);
    expect(manifest).toMatchObject({ kind: 'checkpoint', ...position });

    const other = new TestSubject(source, 1_000_000);
    await loadCheckpoint(other, message.manifest);
    expect([other.isInitialised, other.step, other.stateHash]).toEqual([true, 3, stateHash]);
  });

  it('can be asked for: after the one that is being written, of the state as it is then', async () => {
    const subject = new TestSubject(freshSource(), 100_000).goTo(1);
    const { writer, sent } = writerOf(subject);
    writer.write(1);
    subject.goTo(2);
    await writer.save(1);
    expect(sent.map((message) => 'position' in message && message.position.step)).toEqual([1, 2]);
  });

  it('that cannot be made is a message, not an end', async () => {
    const { writer, sent } = writerOf(new TestSubject(freshSource(), 10));
    await writer.save(2);
    expect(sent).toMatchObject([{ type: 'checkpoint-failed', generation: 2, step: 0 }]);
  });

  it('that is damaged in any way is refused before it is in use', async () => {
    const source = freshSource();
    const subject = new TestSubject(source, 500).goTo(5);
    const { manifest, position } = await checkpointOf(subject);
    const store = new BlobStore(source.directory);
    const blobs = [manifest, position.stateHash].map((hash) => {
      const path = store.path(hash);
      chmodSync(path, 0o644);
      return { path, content: readFileSync(path) };
    });
    const damage = fc.oneof(
      fc.record({ kind: fc.constant('cut' as const), at: fc.nat() }),
      fc.record({ kind: fc.constant('flip' as const), at: fc.nat(), bit: fc.nat(7) }),
      fc.record({ kind: fc.constant('grow' as const), by: fc.integer({ min: 1, max: 9 }) }),
      fc.record({ kind: fc.constant('gone' as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...blobs), damage, async ({ path, content }, how) => {
        if (how.kind === 'gone') rmSync(path);
        else {
          const damaged =
            how.kind === 'grow'
              ? Buffer.concat([content, Buffer.alloc(how.by)])
              : Buffer.from(
                  content.subarray(0, how.kind === 'cut' ? how.at % content.length : undefined),
                );
          if (how.kind === 'flip') {
            const at = how.at % content.length;
            damaged[at] = (content[at] ?? 0) ^ (1 << how.bit);
          }
          writeFileSync(path, damaged);
        }
        const other = new TestSubject(source, 500);
        await expect(loadCheckpoint(other, manifest)).rejects.toMatchObject({
          code: 'CHECKPOINT_DAMAGED',
        });
        expect(other.isInitialised).toBe(false);
        writeFileSync(path, content);
      }),
      { numRuns: 200 },
    );
    await loadCheckpoint(new TestSubject(source, 500), manifest);
  });

  it('of another specification, layout or position than it says is refused', async () => {
    const source = freshSource();
    const subject = new TestSubject(source, 500).goTo(5);
    const { manifest: id } = await checkpointOf(subject);
    const whole = await readManifest(subject.loaded.artifacts, id);
    const damaged = { code: 'CHECKPOINT_DAMAGED' };
    await expect(loadCheckpoint(new TestSubject(source, 501), id)).rejects.toMatchObject(damaged);
    for (const change of [
      { specHash: sha256('other') },
      { dataManifest: sha256('other') },
      { stateHash: sha256('other') },
      { step: 6 },
      { evaluations: 1 },
      { kind: 'model' },
      { files: {} },
    ]) {
      const bytes = Buffer.from(JSON.stringify({ ...whole, ...change }));
      const { sha256: other } = await subject.loaded.artifacts.put([bytes]);
      const loaded = loadCheckpoint(new TestSubject(source, 500), other);
      await expect(loaded).rejects.toMatchObject(damaged);
    }
  });

  it('is whole whenever it was announced, if the process is killed at any moment', async () => {
    const source = freshSource();
    const announced: { manifest: string; step: number; stateHash: string }[] = [];
    for (let life = 0; life < 4; life++) {
      const child = fork(new URL('./writer.test.process.js', import.meta.url).pathname, [
        JSON.stringify({ source, parameters: 200_000, step: 1000 * life }),
      ]);
      const before = announced.length;
      child.on('message', (message) => {
        const { manifest, position } = message as Extract<TrainerMessage, { type: 'checkpointed' }>;
        announced.push({ manifest, ...position });
        if (announced.length - before === 3) setTimeout(() => child.kill('SIGKILL'), 17 * life);
      });
      await once(child, 'exit');
    }
    expect(announced.length).toBeGreaterThanOrEqual(12);
    const reader = new TestSubject(source, 200_000);
    for (const { manifest, step, stateHash } of announced) {
      await loadCheckpoint(reader, manifest);
      expect([reader.step, reader.stateHash]).toEqual([step, stateHash]);
    }
    const store = new BlobStore(source.directory);
    for await (const { sha256: name } of store.list())
      expect(sha256(readFileSync(store.path(name)))).toBe(name);
    await checkpointOf(reader);
    expect(readdirSync(join(source.directory, 'incoming'))).toEqual([]);
  });

  const withSmallDisk = it.skipIf(!canMountSmallDisk());

  withSmallDisk('fails on a full disk, and is written when there is room again', async () => {
    const disk = SmallDisk.mount(join(root, 'disk'), 4096);
    try {
      const directory = join(disk.path, 'artifacts');
      const cache = join(disk.path, 'cache');
      const source = { kind: 'local', directory, cache } as const;
      const subject = new TestSubject(source, 100_000).goTo(1);
      const { writer, sent } = writerOf(subject);
      const incoming = () => readdirSync(join(directory, 'incoming'));
      await writer.save(1);
      for (const round of [0, 1, 2]) {
        disk.fill(round * 50_000);
        const full = disk.used();
        subject.goTo(10 + round);
        await writer.save(1);
        expect(sent.at(-1)).toMatchObject({
          type: 'checkpoint-failed',
          generation: 1,
          step: 10 + round,
          error: { code: 'DISK_FULL' },
        });
        expect(incoming()).toEqual([]);
        expect(disk.used()).toBe(full);
        disk.clear();
      }
      await writer.save(1);
      const types = ['checkpointed', ...Array<string>(3).fill('checkpoint-failed'), 'checkpointed'];
      expect(sent.map(({ type }) => type)).toEqual(types);
    } finally {
      disk.unmount();
    }
  });

  it('waits on its host for a coordinator that is away, and is told again when it has arrived', async () => {
    const server = new BlobServer(join(root, 'server'));
    await server.open();
    await server.close();
    const cache = join(root, 'remote');
    const source = {
      kind: 'remote',
      url: server.url,
      token: null,
      fingerprint: null,
      cache,
    } as const;
    const subject = new TestSubject(source, 10_000);
    const { writer, sent } = writerOf(subject);
    const ids = () => sent.map((message) => ('manifest' in message ? message.manifest : ''));
    for (const step of [1, 2, 3]) {
      subject.goTo(step);
      await writer.save(1);
    }
    await loadCheckpoint(new TestSubject(source, 10_000), ids()[2] ?? '');
    await server.open();
    const { artifacts } = new TestSubject(source, 10_000).loaded;
    for (const old of ids().slice(0, 2))
      await expect(artifacts.deliver(old)).rejects.toMatchObject({ code: 'BLOB_MISSING' });
    while (sent.length < 4) await sleep(20);
    expect(sent[3]).toEqual(sent[2]);
    await artifacts.deliver(ids()[2] ?? '');
    subject.goTo(4);
    await writer.save(1);
    expect(server.received.filter((blob) => ids().includes(blob))).toEqual(ids().slice(3));
    const reader = new TestSubject({ ...source, cache: join(root, 'elsewhere') }, 10_000);
    await loadCheckpoint(reader, ids()[4] ?? '');
    expect(reader.step).toBe(4);
    await server.close();
  });

  it('may have more than 2 GiB', async () => {
    const path = join(root, 'large');
    const header = Buffer.from('{}');
    const length = Buffer.from([header.length, 0, 0, 0]);
    writeFileSync(path, Buffer.concat([length, header]));
    const size = 2 ** 31 + 12_345;
    truncateSync(path, 4 + header.length + size);
    expect(statSync(path).blocks * 512).toBeLessThan(1_000_000);
    const bytes = new Uint8Array(new SharedArrayBuffer(size)).fill(1, size - 10);
    const read = await readStateFile(path, [bytes.subarray(0, 5), bytes.subarray(5)]);
    expect(read.header).toBe('{}');
    expect([bytes[0], bytes[size - 1]]).toEqual([0, 0]);
    const hash = createHash('sha256').update(length).update(header);
    for (const half of [bytes.subarray(0, 2 ** 30), bytes.subarray(2 ** 30)]) hash.update(half);
    expect(read.sha256).toBe(hash.digest('hex'));
  });
});
