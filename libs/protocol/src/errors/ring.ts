import { entry } from './define.js';

/** Where a rank stood in an all-reduce when it gave up waiting: whom it waited for, and how far it had come. */
export interface RingWait {
  readonly rank: number;
  /** The neighbour that was waited for; the coordinator builds its waits-for graph from these. */
  readonly peer: number;
  readonly generation: number;
  readonly step: number;
  readonly attempt: number;
  /** `data` from the rank before, or `room` to send to the rank after. */
  readonly waitingFor: 'data' | 'room';
  /** Phase of the segment waited for: 0 to N-2 reduce-scatter, N-1 to 2N-3 all-gather. */
  readonly phase: number;
  readonly bucket: number;
  readonly segment: number;
  readonly framesReceived: number;
  readonly framesSent: number;
  /** Frames to receive and to send in the whole operation (the two numbers are equal but for uneven chunks). */
  readonly framesToReceive: number;
  readonly framesToSend: number;
  /** Seconds since the last progress in that direction. */
  readonly seconds: number;
}

function place(wait: RingWait): string {
  return (
    `in generation ${wait.generation}, step ${wait.step}, attempt ${wait.attempt}, ` +
    `phase ${wait.phase}, bucket ${wait.bucket}, segment ${wait.segment} ` +
    `(received ${wait.framesReceived} of ${wait.framesToReceive} frames, sent ${wait.framesSent} of ${wait.framesToSend})`
  );
}

/** Errors of the all-reduce ring and of what it carries. */
export const ringErrors = {
  RING_PEER_SILENT: entry<RingWait>({
    status: 504,
    exit: 1,
    message: (wait) =>
      `Rank ${wait.rank} waited ${wait.seconds.toFixed(1)} s for ` +
      `${wait.waitingFor === 'data' ? 'data from' : 'room at'} rank ${wait.peer} ${place(wait)}`,
    remedy:
      'Look at the worker of the rank that nobody else is waiting for; the ring is formed anew without it.',
  }),
  RING_PEER_LOST: entry<RingWait>({
    status: 503,
    exit: 1,
    message: (wait) => `Rank ${wait.rank} lost its connection to rank ${wait.peer} ${place(wait)}`,
    remedy: 'Look at the worker log of the lost rank; the ring is formed anew without it.',
  }),
  RING_BIND_FAILED: entry<{ endpoint: string; reason: string }>({
    status: 500,
    exit: 1,
    message: ({ endpoint, reason }) => `The ring cannot listen at ${endpoint}: ${reason}`,
    remedy:
      'Check --address and --ring-ports of the worker, or the ownership and length of its socket directory.',
  }),
  RING_ADDRESS_GONE: entry<{ rank: number; address: string }>({
    status: 503,
    exit: 1,
    message: ({ rank, address }) =>
      `Rank ${rank} is reached no more: ${address} is no longer an address of its host`,
    remedy: 'Nothing: the ring is formed anew at the address that the host has now.',
  }),
  RING_LINK_FAILED: entry<{
    rank: number;
    peer: number;
    generation: number;
    endpoint: string;
    reason: string;
  }>({
    status: 503,
    exit: 1,
    message: ({ rank, peer, generation, endpoint, reason }) =>
      `Rank ${rank} has no link with rank ${peer} at ${endpoint} in generation ${generation}: ${reason}`,
    remedy:
      'Check that workers reach each other on all ports, and that they were given the keys of one cluster.',
  }),
  RING_PROTOCOL: entry<{
    rank: number;
    peer: number;
    generation: number;
    step: number;
    reason: string;
  }>({
    status: 502,
    exit: 1,
    message: ({ rank, peer, generation, step, reason }) =>
      `Rank ${rank} got an unexpected frame from its neighbour, rank ${peer}, ` +
      `in generation ${generation}, step ${step}: ${reason}`,
    remedy:
      'Run the same Ringmaster version everywhere, and keep the ring ports closed to other programs.',
  }),
  RING_CLOSED: entry<{ rank: number; generation: number }>({
    status: 503,
    exit: 1,
    message: ({ rank, generation }) =>
      `The ring of generation ${generation} was closed at rank ${rank}`,
    remedy: 'Nothing is wrong by itself: the coordinator is forming a new ring.',
  }),
  STATE_TRANSFER_FAILED: entry<{
    rank: number;
    generation: number;
    donors: readonly { rank: number; endpoint: string; reason: string }[];
    bytesReceived: number;
    bytesToReceive: number;
    reason: string;
  }>({
    status: 503,
    exit: 1,
    message: ({ rank, generation, donors, bytesReceived, bytesToReceive, reason }) =>
      `Rank ${rank} could not take the state over in generation ${generation} ` +
      `(${bytesReceived} of ${bytesToReceive} bytes came): ${reason}; ` +
      donors.map((donor) => `rank ${donor.rank} at ${donor.endpoint}: ${donor.reason}`).join(', '),
    remedy:
      'Look at the worker logs of these ranks; the ring is formed anew, from a checkpoint if need be.',
  }),
  RING_LANE_PRESENCE: entry<{ microbatch: number; presence: number }>({
    status: 500,
    exit: 1,
    message: ({ microbatch, presence }) =>
      `Microbatch ${microbatch} was summed ${presence} times instead of once`,
    remedy:
      'The step is not applied; if it happens again, report it with the assignment of that generation.',
  }),
  RING_CHECKSUM: entry<{ expected: number; actual: number }>({
    status: 500,
    exit: 1,
    message: ({ expected, actual }) =>
      `The reduced gradients do not match the checksums of the ranks: ${actual} instead of ${expected}`,
    remedy:
      'The step is not applied; if it happens again, test the memory and network of the workers.',
  }),
} as const;
