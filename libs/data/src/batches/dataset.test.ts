import { readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from '@ringmaster/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeDataset } from '../testing/index.js';
import { OpenShards } from './open-shards.js';

const directory = temporaryDirectory();
const document = fc.record({
  tokens: fc.array(fc.integer({ min: 6, max: 998 }), { maxLength: 60 }),
  label: fc.nat(2),
});
const shards = fc.array(fc.array(document, { minLength: 1, maxLength: 6 }), {
  minLength: 1,
  maxLength: 4,
});

describe('SplitReader', () => {
  it('gives any stretch of the stream of all documents, over shards', () => {
    fc.assert(
      fc.property(shards, fc.nat(), fc.nat(), fc.constantFrom(null, 5), (list, a, b, separator) => {
        const reader = writeDataset(directory, list).splits.train;
        const stream = list
          .flat()
          .flatMap(({ tokens }) => (separator === null ? tokens : [...tokens, separator]));
        const [start = 0, end = 0] = [a, b]
          .map((x) => x % (stream.length + 1))
          .sort((x, y) => x - y);
        const out = new Int32Array(end - start);
        reader.copyStream(start, end, separator, out, 0);
        expect([...out]).toEqual(stream.slice(start, end));
        list.flat().forEach(({ tokens, label }, index) => {
          expect([...reader.get(index, 'text')]).toEqual(tokens);
          expect(reader.get(index, 'class')).toBe(label);
        });
      }),
      { numRuns: 60 },
    );
  });

  it('names a shard that is damaged, cut or gone', () => {
    const damage: readonly ((path: string, content: Buffer) => void)[] = [
      (path, content) => {
        writeFileSync(path, Buffer.concat([content.subarray(0, -1), Buffer.from([99])]));
      },
      (path, content) => {
        writeFileSync(path, content.subarray(0, -2));
      },
      (path) => {
        rmSync(path);
      },
    ];
    for (const apply of damage) {
      const dataset = writeDataset(directory, [[{ tokens: [7, 8, 9], label: 0 }]]);
      const path = join(directory, dataset.manifest.splits.train.shards[0]?.sha256 ?? '');
      apply(path, readFileSync(path));
      expect(() => dataset.splits.train.get(0, 'text')).toThrow(
        expect.objectContaining({
          code: 'DATA_SHARD_INVALID',
          detail: expect.objectContaining({ path }) as unknown,
        }),
      );
    }
  });
});

describe('shards of a dataset', () => {
  const list = Array.from({ length: 6 }, (_, shard) =>
    Array.from({ length: 3 }, (_, at) => ({ tokens: [7 + shard, 8, 9 + at], label: at })),
  );
  const openFiles = (paths: readonly string[]) => {
    const open = readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/self/fd/${fd}`)];
      } catch {
        return []; // It was the listing's own.
      }
    });
    return paths.filter((path) => open.includes(path)).length;
  };

  it.runIf(process.platform === 'linux')('are open only as many as are allowed', () => {
    const { manifest } = writeDataset(directory, list);
    const path = (sha256: string) => join(directory, sha256);
    const shards = new OpenShards(path, 2);
    const { train } = manifest.splits;
    const paths = train.shards.map(({ sha256 }) => path(sha256));
    for (const at of [0, 1, 2, 0, 5, 4, 3, 0, 1]) {
      const shard = train.shards[at];
      if (shard === undefined) throw new Error('there are six');
      const file = shards.get(shard);
      const section = file.section('text');
      if (section === undefined) throw new Error('there is a text');
      expect([...file.values(section, 0, 1)]).toEqual([7 + at]);
      expect(openFiles(paths)).toBeLessThanOrEqual(2);
    }
  });

  it('are checked again when they are opened again and are other files, or were written to', () => {
    const { manifest } = writeDataset(directory, list);
    const path = (sha256: string) => join(directory, sha256);
    const shards = new OpenShards(path, 1);
    const [first, second] = manifest.splits.train.shards;
    if (first === undefined || second === undefined) throw new Error('there are six');
    shards.get(first);
    shards.get(second);
    const content = readFileSync(path(first.sha256));
    const changed = Buffer.from(content);
    changed.writeUInt8(1, content.length - 1);
    writeFileSync(path(first.sha256), changed);
    expect(() => shards.get(first)).toThrow(
      expect.objectContaining({ code: 'DATA_SHARD_INVALID' }),
    );
    writeFileSync(path(first.sha256), content);
    expect(shards.get(first).section('class')?.count).toBe(3);
  });

  it('are not read where they have become others since they were opened, until they are whole again', () => {
    const tokens = Array.from({ length: 9000 }, (_, at) => 6 + (at % 990));
    const { manifest } = writeDataset(directory, [[{ tokens, label: 1 }]]);
    const [shard] = manifest.splits.train.shards;
    if (shard === undefined) throw new Error('there is one');
    const path = join(directory, shard.sha256);
    const file = new OpenShards(() => path, 1).get(shard);
    const section = file.section('text');
    if (section === undefined) throw new Error('there is a text');
    const read = (at: number) => [...file.values(section, at, at + 1)];
    expect(read(8500)).toEqual([tokens[8500]]);
    const content = readFileSync(path);
    const changed = Buffer.from(content);
    const last = changed.length - 100;
    changed.writeUInt8(changed.readUInt8(last) ^ 4, last);
    writeFileSync(path, changed);
    expect(read(10)).toEqual([tokens[10]]);
    expect(() => read(8990)).toThrow(expect.objectContaining({ code: 'DATA_SHARD_INVALID' }));
    writeFileSync(path, content);
    expect(read(8990)).toEqual([tokens[8990]]);
  });
});
