// deploy/gpu/check [--report FILE] [--card N] [--only SECTION,…]
// At most eight minutes. Every section that fails says so in the report, and the others go on; the exit code is 1 then.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ClaimFailed, code, type Section } from './section.js';
import { device } from './sections/device.js';
import { gradients } from './sections/gradients.js';
import { machine } from './sections/machine.js';
import { peer } from './sections/peer.js';
import { placement } from './sections/placement.js';
import { runs } from './sections/runs.js';

const SECTIONS: readonly Section[] = [machine, device, gradients, runs, peer, placement];
const WHOLE_MS = 8 * 60_000;

const { values } = parseArgs({
  options: {
    report: { type: 'string', default: 'gpu-check.md' },
    card: { type: 'string', default: '0' },
    only: { type: 'string' },
  },
});
const wanted = values.only?.split(',');
const end = performance.now() + WHOLE_MS;
const directory = await mkdtemp(join(tmpdir(), 'ringmaster-gpu-'));
const report = [
  '# What this machine proves',
  `${new Date().toISOString()}, by \`deploy/gpu/check\`.`,
];
let failures = 0;
try {
  for (const section of SECTIONS) {
    if (wanted?.includes(section.name) === false) continue;
    report.push(`## ${section.title}`, ...(await outcomeOf(section)));
    await writeFile(values.report, `${report.join('\n\n')}\n`);
  }
} finally {
  await rm(directory, { recursive: true, force: true });
}
process.stderr.write(`The report is in ${values.report}\n`);
process.exitCode = failures === 0 ? 0 : 1;

async function outcomeOf(section: Section): Promise<readonly string[]> {
  const started = performance.now();
  const deadline = Math.min(end, started + 1000 * section.limit);
  const leftMs = () => Math.max(1000, deadline - performance.now());
  const took = () => `${((performance.now() - started) / 1000).toFixed(1)} s`;
  process.stderr.write(`${section.title} …\n`);
  try {
    const found = await section.run({ card: Number(values.card), directory, leftMs });
    process.stderr.write(`${section.title}: holds, ${took()}\n`);
    return [`Holds (${took()}).`, ...found];
  } catch (error) {
    failures++;
    const found = error instanceof ClaimFailed ? error.found : [];
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${section.title}: FAILED, ${took()}\n${reason}\n`);
    return [`**Does not hold** (${took()}):`, code(reason), ...found];
  }
}
