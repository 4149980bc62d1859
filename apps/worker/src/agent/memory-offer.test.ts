import { mkdirSync, writeFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { temporaryDirectory } from '@ringmaster/testing';
import { describe, expect, it } from 'vitest';
import { groupLimit, memoryOffer } from './memory-offer.js';

/** A tree of control groups: files by their paths. */
function groups(files: Readonly<Record<string, string>>): string {
  const root = temporaryDirectory();
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

describe('the limit of control groups', () => {
  it('is the least of the group and of those above it, of version 2', () => {
    const root = groups({
      'a/memory.max': '8000000000\n',
      'a/b/memory.max': 'max\n',
      'a/b/c/memory.max': '9000000000\n',
    });
    expect(groupLimit('0::/a/b/c\n', root)).toEqual({ bytes: 8e9, directory: '/a' });
  });

  it('is that of version 1, where a huge number says none', () => {
    const root = groups({
      'memory/memory.limit_in_bytes': '9223372036854771712\n',
      'memory/jobs/memory.limit_in_bytes': '4000000000\n',
    });
    const text = '7:cpu,cpuacct:/\n5:memory:/jobs/1\n1:name=systemd:/\n';
    expect(groupLimit(text, root)).toEqual({ bytes: 4e9, directory: '/jobs' });
    expect(groupLimit('5:memory:/\n', root)).toBeNull();
  });

  it('is that of the root, as which a container has its group mounted', () => {
    const root = groups({ 'memory.max': '2000000000' });
    expect(groupLimit('0::/docker/1234\n', root)).toEqual({ bytes: 2e9, directory: '/' });
  });

  it('is none where no group says one', () => {
    expect(groupLimit('0::/\n', groups({ 'memory.max': 'max' }))).toBeNull();
    expect(groupLimit('', groups({}))).toBeNull();
  });
});

describe('what a worker offers', () => {
  it('is what it was told, as memory of its own', () => {
    const [told, all] = [memoryOffer(3e9), memoryOffer(null)];
    expect(told.bytes).toBe(3e9);
    expect(told.pool).not.toBe(all.pool);
  });

  it('is at most the memory of the machine', () => {
    const { bytes } = memoryOffer(null);
    expect(bytes).toBeGreaterThan(0);
    expect(bytes).toBeLessThanOrEqual(totalmem());
  });
});
