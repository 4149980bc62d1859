import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { provisioned } from '@ringmaster/tensorflow';
import { runProgram } from '../program.js';
import { ClaimFailed, code, table, type Section } from '../section.js';

const FIELDS = 'name,driver_version,memory.total,compute_cap,pci.bus_id,mig.mode.current';

/** What the check runs on. */
export const machine: Section = {
  name: 'machine',
  title: 'Machine',
  limit: 20,
  async run({ leftMs }) {
    const found = provisioned();
    const built = found.ready
      ? `${found.version} ${found.variant} ${found.platform}`
      : found.reason;
    const processor = cpus();
    const rows = [
      ['processor', `${processor.length} × ${processor[0]?.model ?? 'unknown'}`],
      ['memory', `${(totalmem() / 2 ** 30).toFixed(0)} GiB`],
      ['kernel', readFileSync('/proc/version', 'utf8').split(' ').slice(0, 3).join(' ')],
      ['Node', process.version],
      ['TensorFlow', built],
    ];
    const paragraphs = [table(['what', 'found'], rows)];
    const smi = await runProgram('nvidia-smi', [`--query-gpu=${FIELDS}`, '--format=csv'], {
      limitMs: leftMs(),
    });
    paragraphs.push(code(smi.out || smi.err));
    if (!found.ready || found.variant !== 'gpu')
      throw new ClaimFailed(`TensorFlow for CUDA is not provisioned: ${built}`, paragraphs);
    if (smi.code !== 0) throw new ClaimFailed('nvidia-smi finds no card', paragraphs);
    return paragraphs;
  },
};
