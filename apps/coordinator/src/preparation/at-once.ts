/** More data are not prepared at a time: what is small is seldom behind so many. */
const MOST = 4;
/** Memory for each of them: a process takes a gigabyte at the most, and the coordinator and the disk's cache some as well. */
const MEMORY = 2e9;

/** How many data may be prepared at a time, by the bytes of memory that there are. */
export function mostAtOnce(memory: number): number {
  return Math.max(1, Math.min(MOST, Math.floor(memory / MEMORY)));
}
