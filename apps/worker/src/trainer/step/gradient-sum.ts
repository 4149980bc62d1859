import {
  ringClock,
  type LaneReading,
  type Operation,
  type RingReport,
} from '@ringmaster/allreduce';
import { faultPoint } from '../../faults/fault-point.js';
import type { Arena } from '../run/memory-layout.js';
import type { Run } from '../run/run.js';
import type { Session } from '../session/session.js';

type Range = Operation['ranges'][number];

export interface Attempt {
  readonly step: number;
  readonly attempt: number;
  /** False for a calibrating attempt, whose arena holds nothing to sum. */
  readonly gradients: boolean;
}

/** What all ranks have after an attempt. */
export interface Summed {
  readonly lanes: LaneReading;
  /** Payload bytes that this rank sent. */
  readonly bytesSent: number;
  /** Time that the ring had something to sum. */
  readonly ringSeconds: number;
  /** Of the time in `finish`, what the ring spent waiting for the rank before. */
  readonly waitSeconds: number;
}

/**
 * The sum of one attempt over all ranks, in place. Buckets are summed while backward fills the next ones, each begun when
 * the last gradient of this rank's share is in it; the lanes go last, with the bucket that is left, or by themselves where the
 * next attempt has its gradients in the same place: ranks that have all lanes have read all gradients.
 *
 * - Every rank begins the same buckets in the same order: that of the cut, whatever order backward emits in. A rank
 *   without microbatches begins all of them at once, and waits.
 * - A bucket that was begun is not written before the attempt is over: its ranges belong to the ring.
 * - Nothing is decided on buckets. What an attempt has found is in its lanes, which say it to all ranks alike; and until
 *   they are here every bucket is, since operations of a ring run one after another.
 * - The checksum of this rank's gradients is taken bucket by bucket before each is begun. It is linear, so the parts add
 *   up to that of the arena, against which the reduced gradients are checked before anyone may use them.
 */
export class GradientSum {
  readonly #run: Run;
  readonly #session: Session;
  readonly #arena: Arena;
  readonly #attempt: Attempt;
  /** Tensors of each bucket that are not complete. */
  readonly #missing: number[];
  /** All-reduces that are begun: one a bucket, in their order. */
  readonly #operations: Promise<RingReport>[] = [];
  #checksum = 0;

  constructor(run: Run, session: Session, arena: Arena, attempt: Attempt) {
    this.#run = run;
    this.#session = session;
    this.#arena = arena;
    this.#attempt = attempt;
    this.#missing = run.buckets.all.map(({ tensors }) => tensors);
  }

  /** Says that this rank's sum of one tensor's gradients is in the arena, where it is left alone from now on. */
  complete(tensor: number): void {
    const bucket = this.#run.buckets.ofTensor[tensor] ?? 0;
    this.#missing[bucket] = (this.#missing[bucket] ?? 0) - 1;
    while (this.#mayBegin() && this.#missing[this.#operations.length] === 0) {
      this.#begin(this.#take());
      faultPoint('bucket', this.#run);
    }
  }

  /**
   * Sums what is not begun, and gathers the lanes.
   * @throws RING_CHECKSUM, RING_LANE_PRESENCE, GenerationEnded; whatever the ring throws
   */
  async finish(): Promise<Summed> {
    const began = ringClock();
    const { lanes, kernels } = this.#run.memory;
    const { attempt, gradients } = this.#attempt;
    const { offset, length, lanes: view, lanesOffset } = this.#arena;
    this.#session.does('all-reduce', attempt);
    while (gradients && this.#mayBegin()) this.#begin(this.#take());
    const last = gradients && !this.#arena.isShared ? this.#take() : [];
    lanes.writeChecksum(view, this.#checksum);
    this.#session.announce(view);
    faultPoint('all-reduce', this.#run);
    this.#begin([...last, { offset: lanesOffset, length: lanes.words }]);
    faultPoint('all-reducing', this.#run);
    const reports = await Promise.all(this.#operations);
    faultPoint('reduced', this.#run);
    this.#session.does('compute', attempt + 1);
    const reading = lanes.read(view);
    lanes.verify(reading, kernels.checksum(offset, gradients ? length : 0, 0));
    this.#session.concludeSum(reading);
    return {
      lanes: reading,
      bytesSent: reports.reduce((sum, { bytesSent }) => sum + bytesSent, 0),
      ringSeconds: reports.reduce((sum, { seconds }) => sum + seconds, 0),
      waitSeconds: reports.reduce((sum, report) => sum + waitAfter(began, report), 0),
    };
  }

  /** Whether there is a bucket to begin that does not go with the lanes. */
  #mayBegin(): boolean {
    const withLanes = this.#arena.isShared ? 0 : 1;
    return this.#operations.length < this.#run.buckets.all.length - withLanes;
  }

  /** The ranges of the bucket that is next, one in each plane, whose checksums are taken. */
  #take(): Range[] {
    const { first = 0, length = 0 } = this.#run.buckets.all[this.#operations.length] ?? {};
    const { kernels } = this.#run.memory;
    const { offset, length: end } = this.#arena;
    const ranges: Range[] = [];
    for (let at = first; at < end; at += this.#run.layout.length) {
      const range = { offset: offset + at * Int32Array.BYTES_PER_ELEMENT, length };
      this.#checksum = (this.#checksum + kernels.checksum(range.offset, length, at)) | 0;
      ranges.push(range);
    }
    return ranges;
  }

  #begin(ranges: readonly Range[]): void {
    const { step, attempt } = this.#attempt;
    const operation = this.#session.allReduce(step, attempt, ranges);
    // Whoever computes hears of a failure when it has finished; until then nobody listens.
    operation.catch(() => undefined);
    this.#operations.push(operation);
  }
}

/** Of what an operation spent waiting, the part after `since`: its waits are taken to be its last moments. */
function waitAfter(since: number, { waitSeconds, endedAt }: RingReport): number {
  return Math.max(0, Math.min(waitSeconds, (endedAt - since) / 1000));
}
