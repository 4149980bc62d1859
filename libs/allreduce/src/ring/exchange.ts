import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import type { SharedMemory } from '@ringmaster/base/memory';
import type { ErrorDetail } from '@ringmaster/protocol';
import { now } from '../clock.js';
import { RingFailure } from '../failure.js';
import type { Collector } from '../memory/collector.js';
import type { Kernels } from '../memory/kernels.js';
import type { Operation, RingReport, ThreadOptions } from '../options.js';
import type { References, Referents } from '../shared/reference.js';
import { encodeHeader, type Header, judge } from './frame.js';
import type { Links, Neighbour } from './links.js';
import type { Payloads } from './payloads.js';
import { adds, phaseCount, type Segment, sentBy } from './schedule.js';
import type { StandingBoard } from './standing.js';

/** Frames that a dead neighbour had already delivered are in the socket; once these run dry it is given up. */
const DRAINED_MS = 100;

/** What an exchange works with. */
export interface Desk {
  readonly options: ThreadOptions;
  readonly links: Links;
  readonly memory: SharedMemory;
  readonly kernels: Kernels;
  /** How segments cross to ranks that cannot read them where they lie. */
  readonly payloads: Payloads;
  /** Gives the memory of received payloads back. */
  readonly collector: Collector;
  /** Names what the rank after can read where it lies; null where it cannot. */
  readonly references: References | null;
  /** Finds what the rank before names; null where that cannot be read here. */
  readonly referents: Referents | null;
  readonly board: StandingBoard;
}

const EMPTY = new Uint8Array();

/**
 * One all-reduce, in place.
 *
 * Where nothing is gained by packing a segment, its frame leaves by zero copy: ZeroMQ's I/O thread reads the arena some
 * time after `send` has resolved, so a region that was sent may be overwritten only when its frame has provably arrived.
 * Regions are written at two places here:
 *
 * 1. Reduce-scatter adds to chunk c in phase p at rank c + p + 1, which first sends it in phase p + 1. A rank never
 *    sends a chunk and then adds to it, so no copy is needed.
 * 2. All-gather overwrites, at rank r, a segment that r sent in reduce-scatter. The bytes that arrive are the full
 *    sum of that segment. Partial sums travel from rank to rank, and r passed its own to r + 1: the full sum could not
 *    exist had r + 1 not received that frame. All ranks between r and the owner of the full sum depend on it.
 *
 * What all-gather sends stays in flight when the operation ends. So the caller must not write to its ranges until it
 * has finished another, non-empty operation on other memory ("two arenas alternate"): that one needs a contribution
 * of rank r + 1, which r + 1 only makes after it has received everything of this one. `close` is the other proof.
 *
 * Received frames are copied into the memory once before they are added, because the kernels reach no other memory.
 * What all-gather receives goes on as it came. What a neighbour names instead of sending is in this memory already. The
 * same three proofs hold for it, for what is passed on proves that it was read.
 */
export class Exchange {
  readonly #desk: Desk;
  readonly #operation: Operation;
  /** Buckets are numbered through all operations of an attempt, so that a header is never used twice. */
  readonly #firstBucket: number;
  readonly #toSend: readonly Segment[];
  readonly #toReceive: readonly Segment[];
  /** Received payloads that go on as they are, by the index of the segment to send. */
  readonly #passedOn = new Map<number, Uint8Array>();
  /** Segments that may be sent: those of phase 0, and each one that has arrived before the last phase. */
  #ready: number;
  #sent = 0;
  #received = 0;
  #bytesSent = 0;
  #dropped = 0;
  #waitMs = 0;
  #sending = false;
  #wakeSender: () => void = () => undefined;
  #lastReceived = now();
  #lastSent = now();

  constructor(desk: Desk, operation: Operation, firstBucket: number) {
    const { rank, size, segmentBytes } = desk.options;
    const lengths = operation.ranges.map(({ length }) => length);
    this.#desk = desk;
    this.#operation = operation;
    this.#firstBucket = firstBucket;
    this.#toSend = sentBy(rank, size, lengths, segmentBytes / 4);
    this.#toReceive = sentBy(desk.links.before, size, lengths, segmentBytes / 4);
    this.#ready = this.#toSend.filter(({ phase }) => phase === 0).length;
  }

  /** @throws RingmasterError RING_PEER_SILENT, RING_PEER_LOST, RING_PROTOCOL; the ring is of no use afterwards. */
  async run(): Promise<RingReport> {
    const started = now();
    const { links, board } = this.#desk;
    let watch: NodeJS.Timeout | undefined;
    const lost = new Promise<never>((_, reject) => {
      const check = () => {
        const error = this.#lossError();
        if (error !== undefined) reject(error);
        else if (links.lost.size > 0) watch ??= setInterval(check, DRAINED_MS);
      };
      links.onLost(check);
      check();
    });
    this.#note();
    try {
      await Promise.race([Promise.all([this.#sendAll(), this.#receiveAll()]), lost]);
    } finally {
      clearInterval(watch);
      links.onLost(() => undefined);
      board.clear('links');
    }
    const endedAt = now();
    return {
      seconds: (endedAt - started) / 1000,
      waitSeconds: this.#waitMs / 1000,
      endedAt,
      bytesSent: this.#bytesSent,
      framesSent: this.#sent,
      framesDropped: this.#dropped,
    };
  }

  async #sendAll(): Promise<void> {
    const { links, options, references, payloads } = this.#desk;
    for (const [index, segment] of this.#toSend.entries()) {
      if (index >= this.#ready) {
        await new Promise<void>((resolve) => {
          this.#wakeSender = resolve;
        });
      }
      const offset = this.#offset(segment);
      const passedOn = this.#passedOn.get(index);
      this.#passedOn.delete(index);
      const bytes = segment.length * 4;
      const reference = references?.to(offset, bytes) ?? null;
      const payload =
        reference === null ? (passedOn ?? payloads.of(offset, segment.length)) : EMPTY;
      const header = encodeHeader(this.#header(segment, options.rank));
      this.#lastSent = now();
      this.#sending = true;
      this.#note();
      try {
        await links.send([header, payload, ...(reference === null ? [] : [reference])]);
      } catch (error) {
        throw timedOut(error) ? this.#waitError('after') : error;
      }
      this.#sending = false;
      this.#sent++;
      this.#bytesSent += reference === null ? payload.byteLength : bytes;
    }
  }

  async #receiveAll(): Promise<void> {
    const { links, options, collector } = this.#desk;
    for (const segment of this.#toReceive) {
      const due = this.#header(segment, links.before);
      const [, payload = EMPTY, reference] = await this.#receive(due);
      if (reference === undefined) this.#take(segment, payload);
      else this.#read(segment, reference);
      collector.done(payload.byteLength);
      this.#received++;
      this.#lastReceived = now();
      this.#note();
      if (segment.phase + 1 < phaseCount(options.size)) {
        const isSummand = adds(segment.phase, options.size);
        if (reference === undefined && !isSummand) this.#passedOn.set(this.#ready, payload);
        this.#ready++;
        this.#wakeSender();
      }
      // Received frames resolve without a turn of the event loop, which is what would resume a send that waits.
      if (this.#sending) await eventLoopTurn();
    }
  }

  /** Adds a payload, or puts it in its place. */
  #take(segment: Segment, payload: Uint8Array): void {
    const { payloads, options } = this.#desk;
    const isSummand = adds(segment.phase, options.size);
    const reason = payloads.take(payload, this.#offset(segment), segment.length, isSummand);
    if (reason !== undefined) throw this.#defect(reason);
  }

  /** Adds or copies a segment from where the rank before has it. */
  #read(segment: Segment, reference: Uint8Array): void {
    const { kernels, referents, options } = this.#desk;
    const from = referents?.find(reference, segment.length * 4) ?? null;
    if (referents === null || from === null)
      throw this.#defect('a reference to no place that can be read here');
    const offset = this.#offset(segment);
    if (adds(segment.phase, options.size)) kernels.add(offset, from, segment.length);
    else kernels.copy(offset, from, segment.length);
    // The rank before has closed its ring, so its memory may have changed under the read.
    if (!referents.finish()) throw new RingFailure('RING_PEER_LOST', this.#wait('before'));
  }

  /** The parts of the frame that is due; frames from the past are dropped on the way. */
  async #receive(due: Header): Promise<readonly Uint8Array[]> {
    const { links } = this.#desk;
    for (;;) {
      const waiting = now();
      if (waiting - this.#lastReceived > links.deadlineMs) throw this.#waitError('before');
      const parts = await links.receive().catch((error: unknown) => {
        throw timedOut(error) ? this.#waitError('before') : error;
      });
      this.#waitMs += now() - waiting;
      if (parts === null) {
        this.#dropped++;
        continue;
      }
      const verdict = judge(parts, due);
      switch (verdict.kind) {
        case 'due':
          return parts;
        case 'stale':
          this.#dropped++;
          break;
        case 'unexpected':
          throw this.#defect(verdict.reason);
      }
    }
  }

  /** What the rank before has sent cannot be. */
  #defect(reason: string): RingFailure {
    const { options, links } = this.#desk;
    const { step } = this.#operation;
    const { rank, generation } = options;
    return new RingFailure('RING_PROTOCOL', {
      rank,
      peer: links.before,
      generation,
      step,
      reason,
    });
  }

  #header({ phase, bucket, segment }: Segment, rank: number): Header {
    const { run, generation } = this.#desk.options;
    const { step, attempt } = this.#operation;
    bucket += this.#firstBucket;
    return { run, generation, rank, step, attempt, bucket, phase, segment };
  }

  /** Byte offset of a segment in the memory. */
  #offset({ bucket, start }: Segment): number {
    return (this.#operation.ranges[bucket]?.offset ?? 0) + start * 4;
  }

  /**
   * Whether a lost neighbour ends this operation. One that has finished it may leave: the rank before once all that
   * it sent has been read, the rank after once it has been sent everything.
   */
  #lossError(): RingFailure | undefined {
    const { lost } = this.#desk.links;
    const drained = now() - this.#lastReceived >= DRAINED_MS;
    for (const neighbour of lost) {
      const done =
        neighbour === 'before'
          ? this.#received === this.#toReceive.length || !drained
          : this.#sent === this.#toSend.length;
      if (!done) return new RingFailure('RING_PEER_LOST', this.#wait(neighbour));
    }
    return undefined;
  }

  /** A deadline passed: if a neighbour is known to be lost it is to blame, else the one that was waited for. */
  #waitError(neighbour: Neighbour): RingFailure {
    const [lost] = this.#desk.links.lost;
    return lost === undefined
      ? new RingFailure('RING_PEER_SILENT', this.#wait(neighbour))
      : new RingFailure('RING_PEER_LOST', this.#wait(lost));
  }

  /** Writes down the older of the waits for data and for room. */
  #note(): void {
    const { links, board } = this.#desk;
    const done = this.#received === this.#toReceive.length;
    const room = this.#sending && (done || this.#lastSent < this.#lastReceived);
    board.note('links', {
      operation: 'all-reduce',
      waitsFor: room ? links.after : links.before,
      seconds: (now() - (room ? this.#lastSent : this.#lastReceived)) / 1000,
      step: this.#operation.step,
      attempt: this.#operation.attempt,
      framesReceived: this.#received,
      framesSent: this.#sent,
      framesToReceive: this.#toReceive.length,
      framesToSend: this.#toSend.length,
    });
  }

  #wait(neighbour: Neighbour): ErrorDetail<'RING_PEER_SILENT'> {
    const { options, links } = this.#desk;
    const receiving = neighbour === 'before';
    const segments = receiving ? this.#toReceive : this.#toSend;
    const done = receiving ? this.#received : this.#sent;
    const { phase, bucket, segment } = segments[Math.min(done, segments.length - 1)] ?? {
      phase: 0,
      bucket: 0,
      segment: 0,
    };
    return {
      rank: options.rank,
      peer: links[neighbour],
      generation: options.generation,
      step: this.#operation.step,
      attempt: this.#operation.attempt,
      waitingFor: receiving ? 'data' : 'room',
      phase,
      bucket: this.#firstBucket + bucket,
      segment,
      framesReceived: this.#received,
      framesSent: this.#sent,
      framesToReceive: this.#toReceive.length,
      framesToSend: this.#toSend.length,
      seconds: (now() - (receiving ? this.#lastReceived : this.#lastSent)) / 1000,
    };
  }
}

/** How zeromq reports that its receiveTimeout or sendTimeout has passed. */
function timedOut(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAGAIN';
}
