import type { CleaningStep } from '@ringmaster/protocol';
import type { FileReading } from '../document.js';
import { PIECE } from '../readers/pieces.js';
import type { Origin, Sources } from './request.js';

/** What is read and cleaned at one go. Its documents depend on nothing but the chunk. */
export interface Chunk {
  readonly origin: Origin;
  readonly readings: readonly FileReading[];
  readonly cleaning: readonly CleaningStep[];
}

/** Number of the source of a mixture that a chunk is of; undefined of any other. */
export const sourceOf = ({ readings }: Chunk): number | undefined => readings[0]?.source;

/** Bytes on disk that a chunk is read from. */
export function bytesOf({ readings }: Chunk): number {
  return readings.reduce(
    (sum, { file, piece }) => sum + (piece === undefined ? file.bytes : piece.end - piece.start),
    0,
  );
}

/** Files of a chunk: enough that asking for it costs nothing, few enough that whoever is last ends with the others. */
const FILES = 256;

/** Cuts sources into chunks, in the order of their documents: a piece of a long file, a long file, or some short ones. */
export function chunksOf(sources: Sources): Chunk[] {
  return (['main', 'validation', 'test'] as const).flatMap((origin) => {
    const source = sources[origin];
    if (source === null) return [];
    const { cleaning } = source;
    return grouped(source.readings).map((readings): Chunk => ({ origin, readings, cleaning }));
  });
}

function grouped(readings: readonly FileReading[]): FileReading[][] {
  const groups: FileReading[][] = [];
  let open: FileReading[] = [];
  let bytes = 0;
  const close = () => {
    if (open.length > 0) groups.push(open);
    open = [];
    bytes = 0;
  };
  for (const reading of readings) {
    const { pieces, bytes: length } = reading.file;
    if (pieces.length > 0) {
      close();
      for (const piece of pieces) groups.push([{ ...reading, piece }]);
      continue;
    }
    if (bytes + length > PIECE || open[0]?.source !== reading.source) close();
    open.push(reading);
    bytes += length;
    if (bytes >= PIECE || open.length === FILES) close();
  }
  close();
  return groups;
}

/** Parts, of 4 MiB of text each, from which on memory is given back between tasks, which takes a moment. */
const MANY_PARTS = 16;

/** Whether a corpus is worth starting threads anew for the memory of those that have done their work. */
export const isLarge = ({ length }: { readonly length: number }): boolean => length >= MANY_PARTS;
