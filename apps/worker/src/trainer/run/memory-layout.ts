import { totalmem } from 'node:os';
import {
  Kernels,
  Lanes,
  largestArena,
  planesFor,
  RING_LOOPS,
  SharedArena,
  SharedRegion,
} from '@ringmaster/allreduce';
import { hasNativeLoops } from '@ringmaster/base/memory';
import { State, UPDATE_LOOPS, type Layout, type StateOptions } from '@ringmaster/model';
import { arenasOf } from '@ringmaster/model/memory';
import { RingmasterError } from '@ringmaster/protocol';
import { Quantiser } from '../quantising/quantiser.js';
import { CONTROL_WORDS, LANE_SHAPE } from '../step/lanes.js';

/** One attempt's int32 gradients, laid out like the parameters in each of their planes, and behind them the lanes. */
export interface Arena {
  /** Byte offset of the gradients. */
  readonly offset: number;
  /** Elements of all planes. */
  readonly length: number;
  /** Whether the gradients of other attempts lie in the same place; lanes never do. */
  readonly isShared: boolean;
  /** Byte offset of the second plane, which is coarse, right behind the first; null where there is one alone. */
  readonly coarse: number | null;
  /** Byte offset of the lanes. */
  readonly lanesOffset: number;
  readonly lanes: Int32Array;
}

/** What the ranks gather of an evaluation. */
export interface EvaluationLanes {
  readonly lanes: Lanes;
  readonly block: { readonly offset: number; readonly length: number };
}

/** One shared memory and what lies in it. */
export interface RunMemory {
  readonly shared: SharedArena;
  /** Where all lies that is summed, when other trainers of this host can read it there. */
  readonly region: SharedRegion | null;
  readonly kernels: Kernels;
  readonly state: State;
  readonly lanes: Lanes;
  readonly arenas: readonly [Arena, Arena];
  readonly evaluation: EvaluationLanes;
  readonly quantiser: Quantiser;
  /** Byte offset of what updates may overwrite. */
  readonly scratch: number;
}

/** Where the memory of a run may be needed beside its own arrays: the ring's buffers. */
const RING_BYTES = 64 * 1024 * 1024;

/** Six allocations begin at multiples of 64. */
const SUMMED_PADDING = 6 * 64;

export interface MemoryRequest {
  /** Microbatches a step. */
  readonly microbatches: number;
  /** Microbatches of an evaluation, and the numbers that each is measured by. */
  readonly evaluation: { readonly microbatches: number; readonly numbers: number };
  /** What the state holds. */
  readonly state: StateOptions;
  /** What updates need beside the state. */
  readonly scratchBytes: number;
  /** Elements of gradients from which there is one arena of them; those of large models where it is not said. */
  readonly large?: number;
}

/** @throws MODEL_TOO_LARGE */
export function allocateMemory(layout: Layout, request: MemoryRequest): RunMemory {
  const { microbatches, state: options, scratchBytes } = request;
  // Lanes have room for the most ranks that a run can have, so that their length never depends on how many there are.
  const lanes = new Lanes({
    ...LANE_SHAPE,
    microbatches,
    maxima: layout.tensors.length,
    ranks: microbatches,
    controls: CONTROL_WORDS,
  });
  const evaluationLanes = new Lanes({
    microbatches: request.evaluation.microbatches,
    sums: request.evaluation.numbers,
    counts: 0,
    maxima: 0,
    ranks: 0,
    controls: 0,
  });
  const largest = Math.max(...layout.tensors.map(({ length }) => length));
  const stateBytes = State.byteLength(layout, options);
  const planes = planesFor(microbatches);
  const planeBytes = 4 * layout.length;
  const arenaBytes = planes * planeBytes;
  const words = 2 * lanes.words + evaluationLanes.words;
  const gradientArenas = arenasOf(layout.length, planes, request.large);
  const summedBytes = gradientArenas * arenaBytes + 4 * words + SUMMED_PADDING;
  const bytes =
    stateBytes + scratchBytes + summedBytes + Quantiser.byteLength(largest) + 4096 + RING_BYTES;
  // What neighbours map of others in the present ring, the next one, and one that is being closed.
  const sharedBytes = bytes + 4 * SharedRegion.size(summedBytes);
  const native = hasNativeLoops(RING_LOOPS) && hasNativeLoops(UPDATE_LOOPS);
  const { arena: memory, bytes: taken } = firstArena([sharedBytes, bytes], native, (room) => {
    const { parameterCount: parameters } = layout;
    const detail = { parameters, gigabytes: bytes / 1e9, room: room / 1e9 };
    return new RingmasterError('MODEL_TOO_LARGE', detail);
  });
  const region = taken === sharedBytes ? SharedRegion.create(memory, summedBytes) : null;
  const summed = region ?? memory;
  const arena = (offset: number): Arena => {
    const lanesOffset = summed.allocate(4 * lanes.words);
    return {
      offset,
      length: planes * layout.length,
      isShared: gradientArenas === 1,
      coarse: planes === 1 ? null : offset + planeBytes,
      lanesOffset,
      lanes: memory.int32(lanesOffset, lanes.words),
    };
  };
  const state = State.create(memory.memory, memory.allocate(stateBytes), layout, options);
  const first = summed.allocate(arenaBytes);
  const second = gradientArenas === 1 ? first : summed.allocate(arenaBytes);
  const arenas = [arena(first), arena(second)] as const;
  const evaluation = {
    lanes: evaluationLanes,
    block: {
      offset: summed.allocate(4 * evaluationLanes.words),
      length: evaluationLanes.words,
    },
  };
  const kernels = Kernels.instantiate(memory.memory);
  return {
    shared: memory,
    region,
    kernels,
    state,
    lanes,
    arenas,
    evaluation,
    quantiser: new Quantiser(memory, kernels, { largest }),
    scratch: memory.allocate(scratchBytes),
  };
}

/**
 * An arena of the first of these sizes that can be had: the system refuses ranges beyond its memory.
 * @throws what `tooLarge` makes of the room that there is, where none can be had
 */
function firstArena(
  sizes: readonly number[],
  native: boolean,
  tooLarge: (room: number) => Error,
): { readonly arena: SharedArena; readonly bytes: number } {
  const most = largestArena(native);
  for (const bytes of sizes) {
    if (bytes > most) continue;
    try {
      return { arena: SharedArena.create(bytes, native), bytes };
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }
  throw tooLarge(Math.min(most, totalmem()));
}
