import { Kernels, SharedArena } from '@ringmaster/allreduce';
import {
  decodeReply,
  decodeRequest,
  encodeDonorFrame,
} from '@ringmaster/allreduce/dist/transfer/donor-frame.js';
import { encodeHeader, judge, type Header } from '@ringmaster/allreduce/dist/ring/frame.js';
import { Payloads } from '@ringmaster/allreduce/dist/ring/payloads.js';
import {
  coordinatorMessageSchema,
  decodeMessage,
  encodeMessage,
  workerMessageSchema,
} from '@ringmaster/protocol';
import { damaged } from '../bytes.js';
import type { Draws } from '../draws.js';
import type { Target } from '../target.js';
import { alteredOften } from '../values.js';

// Marks of msgpack: nil, wide numbers, lengths of 32 bits, extensions, a float.
const words = [
  'c0',
  'cf' + 'ff'.repeat(8),
  'd3' + '80' + '00'.repeat(7),
  'dd7fffffff',
  'df7fffffff',
  'dbffffffff',
  'c6ffffffff',
  'd4720e',
  'c70374',
  'd6ff00000000',
  'c7ff',
  'cb7ff8000000000000',
  'd40072',
  'd57800',
  'd669',
  'c1',
].map((hex) => Buffer.from(hex, 'hex'));
const hash = 'a'.repeat(64);

const workerMessages = [
  {
    type: 'register',
    version: '0.1.0',
    token: null,
    host: 'h',
    machine: 'm',
    namespace: 'n',
    pid: 10,
    startTime: 1,
    slots: 1,
    threads: 1,
    device: 'cpu',
    processor: 'x64',
    memory: { bytes: 8e9, pool: 'm' },
    tasks: null,
    trainers: [{ trainer: 't-1', job: 'j-1', pid: 5 }],
    checkpoints: [],
  },
  { type: 'heartbeat' },
  {
    type: 'trainer-exited',
    trainer: 't-1',
    code: 1,
    signal: null,
    lastLines: ['x'],
    rssBytes: 1,
    outOfMemory: false,
  },
  { type: 'log', trainer: 't-1', job: 'j-1', lines: ['{"level":30}'] },
  {
    type: 'trainer-message',
    trainer: 't-1',
    message: {
      type: 'ready',
      steps: 3,
      numerics: { cpu: 'x' },
      parameters: { trained: 1, frozen: 0 },
    },
  },
];
const coordinatorMessages = [
  {
    type: 'registered',
    worker: 'w',
    leaseMs: 3000,
    artifacts: { url: 'http://x', fingerprint: null, directory: '/x', cluster: 'c' },
  },
  { type: 'heard', known: true },
  { type: 'end-trainer', trainer: 't-1' },
];
const header: Header = {
  run: 'j-1',
  generation: 3,
  rank: 1,
  step: 7,
  attempt: 0,
  bucket: 2,
  phase: 1,
  segment: 4,
};
const sender = { run: 'j-1', generation: 3, rank: 1 };
const requests = [
  encodeDonorFrame(sender, { kind: 'offer' }),
  encodeDonorFrame(sender, { kind: 'chunk', sha256: hash, offset: 0, length: 1024 }),
  encodeDonorFrame(sender, { kind: 'offer', sha256: hash, length: 10 }),
  encodeDonorFrame(sender, { kind: 'withdrawn', sha256: hash }),
  encodeDonorFrame(sender, { kind: 'refused', reason: 'no' }),
].map((frame) => Buffer.from(frame)) as [Buffer, ...Buffer[]];

/** A frame whose bytes are damaged, or whose fields are others. */
const frameOf = (valid: readonly object[]) => (draws: Draws) => {
  const value = valid[draws.below(valid.length)] ?? {};
  if (draws.oneIn(2)) return damaged([encodeMessage(value)], words, draws);
  return encodeMessage(alteredOften(value, draws, 'msgpack') as object);
};

function payloads(): Target {
  const length = 1_200;
  const arena = SharedArena.create(64 * 1024);
  const taken = new Payloads(
    arena.memory,
    Kernels.instantiate(arena.memory),
    arena.allocate(4 * length),
  );
  const from = arena.allocate(4 * length);
  const to = arena.allocate(4 * length);
  const guard = arena.allocate(64);
  arena
    .int32(from, length)
    .set(Int32Array.from({ length }, (_, at) => Math.imul(at, 0x9e3779b1) >> (at % 30)));
  arena.int32(guard, 16).fill(0x5a5a5a5a);
  const valid = Buffer.from(taken.of(from, length));
  return {
    name: 'ring: payload',
    input: (draws) => damaged([valid], words, draws),
    take: (input) => {
      const before = Buffer.from(arena.int32(to, length));
      const refusal = taken.take(input, to, length, input.length % 2 === 0);
      if (arena.int32(guard, 16).some((word) => word !== 0x5a5a5a5a))
        throw new Error('wrote behind its place');
      if (refusal !== undefined && !before.equals(Buffer.from(arena.int32(to, length))))
        throw new Error('refused, and written');
    },
  };
}

export const frames = (): readonly Target[] => [
  {
    name: 'control: to the coordinator',
    input: frameOf(workerMessages),
    take: (input) => decodeMessage(workerMessageSchema, input, 'peer'),
  },
  {
    name: 'control: to a worker',
    input: frameOf(coordinatorMessages),
    take: (input) => decodeMessage(coordinatorMessageSchema, input, 'peer'),
  },
  {
    name: 'ring: header',
    input: (draws) => {
      if (draws.oneIn(2)) return damaged([Buffer.from(encodeHeader(header))], words, draws);
      return encodeMessage(alteredOften(header, draws, 'msgpack') as object);
    },
    take: (input) => judge([input, Buffer.alloc(8)], header),
  },
  {
    name: 'ring: donor',
    input: (draws) => damaged(requests, words, draws),
    take: (input) => [decodeRequest(input, { ...sender, size: 2 }), decodeReply(input, sender)],
  },
  payloads(),
];
