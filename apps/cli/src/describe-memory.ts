import type { MemoryNeeds } from '@ringmaster/protocol';
import { formatBytes } from './output.js';

/**
 * What a job takes of each worker's memory, for people.
 * @param offered Most that a worker offers, in bytes; null where that is not known.
 */
export function describeMemory(needs: MemoryNeeds, offered: number | null): string {
  const { parts, bytes, least, checkpoint } = needs;
  const list = Object.entries(parts).map(([part, size]) => `${part} ${formatBytes(size)}`);
  const rest =
    offered !== null && offered < least
      ? `; it will wait, for the largest worker offers ${formatBytes(offered)}`
      : '';
  const shorter =
    least < bytes ? ', activations less where texts are shorter than the context' : '';
  return `It takes about ${formatBytes(bytes)} of memory on each worker (${list.join(', ')}), and up to ${formatBytes(checkpoint)} more where checkpoints are written${shorter}${rest}.`;
}
