import { now } from '../clock.js';

/** What a rank's end of the ring is at, and whom it waits for, by rank. `seconds` count from its last progress. */
export type Standing =
  | { readonly operation: 'idle'; readonly waitsFor: null; readonly seconds: number }
  | { readonly operation: 'link'; readonly waitsFor: number; readonly seconds: number }
  | {
      readonly operation: 'all-reduce';
      readonly waitsFor: number;
      readonly seconds: number;
      readonly step: number;
      readonly attempt: number;
      readonly framesReceived: number;
      readonly framesSent: number;
      readonly framesToReceive: number;
      readonly framesToSend: number;
    }
  | {
      readonly operation: 'fetch';
      readonly waitsFor: number;
      readonly seconds: number;
      readonly bytesReceived: number;
      readonly bytesToReceive: number;
    };

type Busy = Exclude<Standing, { operation: 'idle' }>;

/** The two sockets of the ring link and sum; a transfer from donors may run beside that. */
export type Place = 'links' | 'fetch';

const OPERATIONS = ['idle', 'link', 'all-reduce', 'fetch'] as const;
const WORDS = 9;
const VERSION_BYTES = 8;

/**
 * Where a rank stands, in memory that the ring thread writes and the main thread reads at any time, without waiting
 * for either. The version is odd while a place is being written, so a reader never takes half of a note.
 */
export class StandingBoard {
  readonly memory: SharedArrayBuffer;
  readonly #version: Int32Array;
  readonly #places: Readonly<Record<Place, Float64Array>>;

  /** @param memory of the same board in another thread; a new one is idle */
  constructor(memory?: SharedArrayBuffer) {
    this.memory = memory ?? new SharedArrayBuffer(VERSION_BYTES + 2 * 8 * WORDS);
    this.#version = new Int32Array(this.memory, 0, 1);
    this.#places = {
      links: new Float64Array(this.memory, VERSION_BYTES, WORDS),
      fetch: new Float64Array(this.memory, VERSION_BYTES + 8 * WORDS, WORDS),
    };
    if (memory === undefined) this.clear('links');
  }

  /** Notes what the ring thread is at now. */
  note(place: Place, standing: Busy): void {
    const counters =
      standing.operation === 'all-reduce'
        ? [
            standing.step,
            standing.attempt,
            standing.framesReceived,
            standing.framesSent,
            standing.framesToReceive,
            standing.framesToSend,
          ]
        : standing.operation === 'fetch'
          ? [standing.bytesReceived, standing.bytesToReceive]
          : [];
    const since = now() - standing.seconds * 1000;
    this.#write(place, [
      OPERATIONS.indexOf(standing.operation),
      since,
      standing.waitsFor,
      ...counters,
    ]);
  }

  /** Notes that nothing is going on any more. */
  clear(place: Place): void {
    this.#write(place, [OPERATIONS.indexOf('idle'), now()]);
  }

  /** Of a link and a transfer that run side by side, the one that is longer without progress. */
  read(): Standing {
    const links = this.#read('links');
    const fetch = this.#read('fetch');
    if (fetch.operation === 'idle') return links;
    return links.operation === 'idle' || fetch.seconds > links.seconds ? fetch : links;
  }

  #write(place: Place, words: readonly number[]): void {
    Atomics.add(this.#version, 0, 1);
    this.#places[place].set(words);
    Atomics.add(this.#version, 0, 1);
  }

  #read(place: Place): Standing {
    for (;;) {
      const version = Atomics.load(this.#version, 0);
      const words = [...this.#places[place]];
      if (version % 2 === 0 && Atomics.load(this.#version, 0) === version) return standing(words);
    }
  }
}

function standing(words: readonly number[]): Standing {
  const [code = 0, since = 0, waitsFor = 0, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = words;
  const seconds = (now() - since) / 1000;
  const operation = OPERATIONS[code] ?? 'idle';
  switch (operation) {
    case 'idle':
      return { operation, waitsFor: null, seconds };
    case 'link':
      return { operation, waitsFor, seconds };
    case 'fetch':
      return { operation, waitsFor, seconds, bytesReceived: a, bytesToReceive: b };
    case 'all-reduce':
      return {
        operation,
        waitsFor,
        seconds,
        step: a,
        attempt: b,
        framesReceived: c,
        framesSent: d,
        framesToReceive: e,
        framesToSend: f,
      };
  }
}
