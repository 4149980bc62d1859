import { canonicalJson, dataOf, needsOf, tokenizerOf, type JobSpec } from '@ringmaster/protocol';
import type { PreparationRequest } from './messages.js';

/**
 * What the preparation of a job's data is told by, as far as it can be known without reading them. Of jobs for which it is
 * the same the second waits for the first, and finds what that has prepared.
 */
export function dataWanted(spec: JobSpec, base: PreparationRequest['base']): string {
  return canonicalJson([dataOf(spec), needsOf(spec), tokenizerOf(spec), base]);
}
