import { createHash, randomInt } from 'node:crypto';
import type { ProcessIdentity } from '@ringmaster/protocol';

/** Crockford's base 32: no letter is mistaken for a digit, and it sorts as its value does. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
/** 2024-01-01; six characters of seconds last until 2058. */
const EPOCH_SECONDS = 1_704_067_200;

function base32(value: number, length: number): string {
  let rest = value;
  let text = '';
  for (let index = 0; index < length; index++) {
    text = (ALPHABET[rest % 32] ?? '') + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

/** A new id: it sorts by the second of its making, and ends in 20 random bits. */
export function newId(prefix: 'j' | 't' | 'c' | 'k', nowMs: number): string {
  const seconds = Math.floor(nowMs / 1000) - EPOCH_SECONDS;
  return `${prefix}-${base32(seconds, 6)}${base32(randomInt(32 ** 4), 4)}`;
}

/** The id of a worker: a function of its process, so that it is the same after a coordinator's restart. */
export function workerId({ namespace, pid, startTime }: ProcessIdentity): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([namespace, pid, startTime]))
    .digest();
  return `w-${base32(digest.readUIntBE(0, 6), 8)}`;
}
