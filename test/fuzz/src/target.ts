import { RingmasterError } from '@ringmaster/protocol';
import type { Draws } from './draws.js';

/** Something that takes bytes from outside, and inputs for it. */
export interface Target {
  readonly name: string;
  /** An input: a valid one that is damaged, as the draws say. */
  readonly input: (draws: Draws) => Buffer;
  /** Takes the input, as the program does. It may throw a RingmasterError with a code; anything else is a defect. */
  readonly take: (input: Buffer) => unknown;
  readonly close?: () => unknown;
}

/** Longest that one input may be worked on, in milliseconds. */
export const LONGEST_MS = 1000;

/** Most memory that a process may take while it looks at small inputs. */
export const MOST_BYTES = 2 ** 31;

/** Most files, sockets among them, that it may have open then. */
export const MOST_FILES = 500;

/** What is wrong with how an input was taken, or null. */
export async function defectOf({ take }: Target, input: Buffer): Promise<string | null> {
  const started = performance.now();
  try {
    await take(input);
  } catch (error) {
    if (!(error instanceof RingmasterError)) return describe(error);
    const { code } = error as RingmasterError;
    if (code === 'INTERNAL') return describe(error);
  }
  const took = performance.now() - started;
  return took > LONGEST_MS ? `it took ${Math.round(took)} ms` : null;
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
