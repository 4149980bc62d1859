import { numericsRecord } from '@ringmaster/tensorflow';
import { probe } from './probe.js';
import type { Run } from './run.js';

/** What the bytes of a microbatch depend on beside the specification, and the probe: what this process makes of one. */
export async function numericsOf(run: Run): Promise<Readonly<Record<string, string>>> {
  const record: Record<string, string> = Object.fromEntries(
    Object.entries(numericsRecord(run.loaded.runtime)).map(([key, value]) => [
      key,
      Array.isArray(value) ? value.join(' ') : String(value),
    ]),
  );
  return { ...record, probe: await probe(run) };
}
