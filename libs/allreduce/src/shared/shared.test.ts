import { closeSync, mkdtempSync, openSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canMountSmallDisk, SmallDisk } from '@ringmaster/base/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { SharedArena } from '../memory/memory.js';
import { Ring } from '../ring/ring.js';
import { MEMORY_PAGE_BYTES } from '@ringmaster/base/memory';
import { References, Referents } from './reference.js';
import { SharedRegion } from './region.js';
import { closeWindow, openWindow } from './window.js';

const BYTES = 4 * MEMORY_PAGE_BYTES;

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

function makeArena(): SharedArena {
  return SharedArena.create(4 * SharedRegion.size(BYTES));
}

function makeRegion(arena: SharedArena): SharedRegion {
  const region = SharedRegion.create(arena, BYTES);
  if (region === null) throw new Error('there is no room in /dev/shm');
  return region;
}

/** A region and what another arena sees of it. */
function pair() {
  const arena = makeArena();
  const region = makeRegion(arena);
  const opened = region.open();
  if (opened === null) throw new Error('no slot is left');
  const reader = makeArena();
  const inlet = openWindow(reader, opened.address);
  if (typeof inlet === 'string') throw new Error(`the region cannot be mapped: ${inlet}`);
  return { arena, region, ...opened, reader, inlet };
}

const bytesOf = (arena: SharedArena, offset: number, length: number) =>
  new Uint8Array(arena.memory.buffer, offset, length);

describe('a region', () => {
  it('is seen through a window as it changes, and is zero memory again when that is closed', () => {
    const { arena, region, reader, inlet } = pair();
    const offset = region.allocate(1000);
    expect((offset - region.offset) % 64).toBe(0);
    const there = inlet.window.offset + offset - region.offset;
    bytesOf(arena, offset, 1000).fill(7);
    expect(bytesOf(reader, there, 1000).every((byte) => byte === 7)).toBe(true);
    closeWindow(reader, inlet);
    expect(bytesOf(reader, there, 1000).every((byte) => byte === 0)).toBe(true);
    expect(bytesOf(arena, offset, 1000).every((byte) => byte === 7)).toBe(true);
  });

  it('leaves no name behind', () => {
    const before = readdirSync('/dev/shm').filter((name) => name.startsWith('ringmaster-'));
    pair();
    const after = readdirSync('/dev/shm').filter((name) => name.startsWith('ringmaster-'));
    expect(after).toEqual(before);
  });

  it('has a slot for each open ring, and for no more', () => {
    const region = makeRegion(makeArena());
    const slots = new Set<number>();
    let last = region.open();
    for (let opened = last; opened !== null; opened = region.open()) {
      slots.add(opened.outlet.slot);
      last = opened;
    }
    expect(slots.size).toBeGreaterThan(3);
    if (last !== null) region.release(last.outlet);
    expect(region.open()?.outlet.slot).toBe(last?.outlet.slot);
    expect(region.open()).toBeNull();
  });

  it('takes slots in turn, so that a late reader of a closed ring meets no other', () => {
    const region = makeRegion(makeArena());
    const slots = Array.from({ length: 8 }, () => {
      const opened = region.open();
      if (opened !== null) region.release(opened.outlet);
      return opened?.outlet.slot;
    });
    expect(new Set(slots).size).toBe(8);
  });

  it.skipIf(!canMountSmallDisk())('is not there where its memory is not', () => {
    const root = mkdtempSync(join(tmpdir(), 'region-'));
    const disk = SmallDisk.mount(join(root, 'shm'), 128);
    try {
      expect(SharedRegion.create(makeArena(), BYTES, disk.path)).toBeNull();
      expect(disk.used()).toBe(0);
      expect(SharedRegion.create(makeArena(), BYTES, join(root, 'nowhere'))).toBeNull();
    } finally {
      disk.unmount();
      rmSync(root, { recursive: true });
    }
  });
});

describe('a window', () => {
  it('is not there for another file, another process, or an arena without room', () => {
    const { address } = pair();
    const [machine = '', namespace = '', pid = '', fd = '', ...rest] = address.split('.');
    const at = (...process: unknown[]) => [machine, namespace, ...process, ...rest].join('.');
    const other = openSync('/dev/null', 'r+');
    const reader = makeArena();
    expect(openWindow(reader, at(pid, other))).toBe('not-readable');
    closeSync(other);
    expect(openWindow(reader, at(pid, 987_654))).toBe('not-readable');
    expect(openWindow(reader, at('999999999', 3))).toBe('not-readable');
    expect(openWindow(reader, 'nonsense')).toBe('not-offered');
    const elsewhere = (host: string, container: string) =>
      openWindow(reader, [host, container, pid, fd, ...rest].join('.'));
    expect(elsewhere('abcd', namespace)).toBe('other-host');
    expect(elsewhere(machine, 'abcd')).toBe('other-container');
    expect(openWindow(SharedArena.create(MEMORY_PAGE_BYTES), address)).toBe('too-large');
    expect(openWindow(reader, address)).toHaveProperty('window');
  });
});

describe('a reference', () => {
  it('is given once the other has mapped the region, and found there', () => {
    const { arena, region, outlet, reader, inlet } = pair();
    const references = new References(arena.memory, outlet);
    const offset = region.allocate(100);
    expect(references.to(offset, 100)).toBeNull();
    const referents = new Referents(reader.memory, inlet);
    const reference = references.to(offset, 100);
    expect(referents.find(reference ?? new Uint8Array(), 100)).toBe(
      inlet.window.offset + offset - region.offset,
    );
    expect(references.to(region.offset + region.bytes, 100)).toBeNull();
    expect(references.to(region.offset + region.bytes - 50, 100)).toBeNull();
  });

  it('means nothing outside of the region', () => {
    const { reader, inlet } = pair();
    const referents = new Referents(reader.memory, inlet);
    const to = (at: bigint) => new Uint8Array(BigUint64Array.of(at).buffer);
    expect(referents.find(to(BigInt(inlet.window.bytes - 4)), 8)).toBeNull();
    expect(referents.find(to(2n ** 64n - 4n), 8)).toBeNull();
    expect(referents.find(new Uint8Array(4), 8)).toBeNull();
  });

  it('is settled when it was read, and what is read after the end is not taken', async () => {
    const { arena, region, outlet, reader, inlet } = pair();
    const references = new References(arena.memory, outlet);
    const referents = new Referents(reader.memory, inlet);
    references.to(region.allocate(8), 8);
    const never = () => false;
    let settled = false;
    const settling = references.settle(never, 60_000).then(() => (settled = true));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(settled).toBe(false);
    expect(referents.finish()).toBe(true);
    await settling;
    references.to(region.allocate(8), 8);
    await references.settle(never, 10);
    references.close();
    expect(referents.finish()).toBe(false);
  });
});

describe('a ring whose neighbour closes under a read', () => {
  it('is told that the neighbour is lost, whatever it has read', async () => {
    const options = { run: 'run', generation: 1, size: 2 } as const;
    const ranks = await Promise.all(
      [0, 1].map(async (rank) => {
        const arena = SharedArena.create(4 * SharedRegion.size(BYTES) + 4 * 2 ** 20);
        const region = makeRegion(arena);
        const ring = await Ring.bind({ ...options, rank, arena, region });
        closing.push(() => ring.close({ abandon: true }));
        return { ring, region, offset: region.allocate(4096) };
      }),
    );
    const endpoints = ranks.map(({ ring }) => ring.endpoint);
    await Promise.all(ranks.map(({ ring }) => ring.connect(endpoints, { deadlineMs: 5_000 })));
    const [first, second] = ranks;
    const sum = (rank: (typeof ranks)[number], step: number) =>
      rank.ring.allReduce({ step, attempt: 0, ranges: [{ offset: rank.offset, length: 1024 }] });
    await Promise.all(ranks.map((rank) => sum(rank, 0)));
    // Rank 0 has named its share of the next sum, and is closed before rank 1 looks at it.
    const failed = expect(sum(first!, 1)).rejects.toMatchObject({ code: 'RING_CLOSED' });
    await new Promise((resolve) => setTimeout(resolve, 50));
    await Promise.all([failed, first!.ring.close({ abandon: true })]);
    await expect(sum(second!, 1)).rejects.toMatchObject({ code: 'RING_PEER_LOST' });
  });
});
